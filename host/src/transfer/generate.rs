//! Items that are made up: the same ones for the same seed and size, on every machine.

use std::io::Write;
use std::ops::Range;

use crate::model::Dice;

/// Makes items up: documents with an id, nested objects, lists, numbers in several spellings, and
/// text that is not all ASCII.
///
/// An item depends on the seed, the size and its own number only, so that any range of them can be
/// made, and fewer items are always the first of more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generator {
    seed: u64,
    size: u32,
}

/// Words of the made-up texts, as they are spelled in JSON.
const WORDS: [&str; 48] = [
    "godwit",
    "flies",
    "south",
    "without",
    "a",
    "rest",
    "over",
    "the",
    "open",
    "sea",
    "Zürich",
    "São Paulo",
    "naïve",
    "façade",
    "Łódź",
    "Ελλάδα",
    "море",
    "日本",
    "서울",
    "שלום",
    "🐦",
    "½",
    "caf\\u00e9",
    "\\\"quoted\\\"",
    "tab\\tbed",
    "line\\nbroken",
    "back\\\\slash",
    "and\\/or",
    "wind",
    "tide",
    "north",
    "eleven",
    "days",
    "mud",
    "flats",
    "of",
    "in",
    "it",
    "shore",
    "wing",
    "feather",
    "light",
    "storm",
    "star",
    "chart",
    "course",
    "home",
    "again",
];

const NAMES: [&str; 8] = [
    "Zoë",
    "Łukasz",
    "Aiko",
    "María José",
    "Åsa",
    "Nguyễn",
    "O'Brien",
    "Renée",
];

const CITIES: [&str; 8] = [
    "Zürich",
    "São Paulo",
    "Kraków",
    "東京",
    "Αθήνα",
    "Nome",
    "Saint-Étienne",
    "Da Nang",
];

/// What the members before the lists and the text need at most, in bytes.
const HEAD_BYTES: usize = 300;

impl Generator {
    /// Makes items of about `size` bytes: from three quarters of it to five quarters, evenly. Below
    /// some 400 bytes they have fewer members; none is smaller than some 40 bytes.
    pub fn new(seed: u64, size: u32) -> Self {
        Self { seed, size }
    }

    /// Adds the body of item `number` to `out`.
    pub fn item(&self, number: u64, out: &mut Vec<u8>) {
        let mut dice = Dice::of_item(self.seed, number);
        let size = u64::from(self.size);
        let most = out.len() + (size - size / 4 + dice.below(size / 2 + 1)) as usize;
        push(out, format_args!("{{\"_id\":\"item-{number:012}\""));
        if out.len() + HEAD_BYTES <= most {
            head(out, &mut dice);
            parts(out, &mut dice, most);
        }
        out.extend_from_slice(b",\"text\":\"");
        words(out, &mut dice, most.saturating_sub(2));
        out.extend_from_slice(b"\"}");
    }

    /// Adds the items of a range of numbers to `out`, one a line.
    pub fn lines(&self, numbers: Range<u64>, out: &mut Vec<u8>) {
        for number in numbers {
            self.item(number, out);
            out.push(b'\n');
        }
    }
}

fn head(out: &mut Vec<u8>, dice: &mut Dice) {
    push(out, format_args!(",\"number\":{}", dice.below(1_000_000)));
    push(
        out,
        format_args!(",\"price\":{}.{:02}", dice.below(1_000), dice.below(100)),
    );
    push(
        out,
        format_args!(
            ",\"mass\":{}.{}e-{}",
            dice.below(9) + 1,
            dice.below(10),
            dice.below(20)
        ),
    );
    push(out, format_args!(",\"active\":{}", dice.below(2) == 1));
    push(
        out,
        format_args!(
            ",\"created\":\"20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}Z\"",
            dice.below(30),
            dice.below(12) + 1,
            dice.below(28) + 1,
            dice.below(24),
            dice.below(60),
            dice.below(60)
        ),
    );
    push(
        out,
        format_args!(",\"author\":{{\"name\":\"{}\"", dice.pick(&NAMES)),
    );
    let (city, floor) = (dice.pick(&CITIES), dice.below(12) as i64 - 2);
    push(
        out,
        format_args!(",\"home\":{{\"city\":\"{city}\",\"floor\":{floor}}}}}"),
    );
    out.extend_from_slice(if dice.below(3) == 0 {
        b",\"rating\":null"
    } else {
        b",\"rating\":4.50"
    });
}

/// The lists: tags, and an order's parts for a third of what is left.
fn parts(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    push(
        out,
        format_args!(
            ",\"tags\":[\"{}\",\"{}\"]",
            dice.pick(&WORDS),
            dice.pick(&WORDS)
        ),
    );
    let end = out.len() + most.saturating_sub(out.len()) / 3;
    out.extend_from_slice(b",\"parts\":[");
    let start = out.len();
    while out.len() < end {
        if out.len() > start {
            out.push(b',');
        }
        push(
            out,
            format_args!(
                "{{\"part\":\"p-{}\",\"count\":{}}}",
                dice.below(10_000),
                dice.below(50)
            ),
        );
    }
    out.push(b']');
}

/// Adds words until there are `most` bytes, or one word more.
fn words(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    while out.len() < most {
        out.extend_from_slice(dice.pick(&WORDS).as_bytes());
        out.push(b' ');
    }
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes everything");
}
