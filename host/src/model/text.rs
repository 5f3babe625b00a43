//! What may stand in a text that somebody else wrote and people read.

/// What is wrong with a text that is not JSON, without the place, and in words for people who do not parse.
pub(crate) fn json_trouble(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&place).unwrap_or(&message) {
        // It begins like `true`, `false` or `null`, and is none of them.
        "expected ident" => "expected value".to_owned(),
        message => message.to_owned(),
    }
}

/// Whether a character shows itself and leaves others as they are: no control character but newline and
/// tab, none that turns the direction of what follows, none that cannot be seen. The kinds are those
/// that Unicode Technical Report 36 (Unicode Security Considerations) warns of.
///
/// ```
/// use godwit::model::is_plain;
///
/// assert!("a line\n".chars().all(is_plain));
/// assert!(!is_plain('\u{202e}'));
/// assert!(!is_plain('\u{200b}'));
/// ```
pub fn is_plain(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // Marks of direction, embeddings, overrides and isolates; separators of lines and paragraphs.
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => false,
        // What has no width, but for the joiners that scripts and emoji are written with.
        '\u{00ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => false,
        // Tags, which spell out hidden text.
        '\u{e0000}'..='\u{e007f}' => false,
        c => !c.is_control(),
    }
}
