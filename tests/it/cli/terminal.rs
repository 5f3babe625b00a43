//! What a terminal shows.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};

use godwit_tests::cli::Cli;

/// What a terminal of 120 columns gets from a command.
fn shown(cli: &Cli, line: &str) -> String {
    let (terminal, program) = terminal();
    let mut command = cli.command(line);
    command.env("TERM", "xterm");
    command.stdout(program.try_clone().expect("it can be shared"));
    command.stderr(program);
    let mut child = command.spawn().expect("the program starts");
    // The command holds ends of the terminal, too.
    drop(command);
    let (mut shown, mut part) = (Vec::new(), [0; 4096]);
    let mut terminal = File::from(terminal);
    // The end of a terminal whose program has ended is an error.
    while let Ok(read @ 1..) = terminal.read(&mut part) {
        shown.extend(&part[..read]);
    }
    child.wait().expect("it can be waited for");
    String::from_utf8_lossy(&shown).into_owned()
}

fn terminal() -> (OwnedFd, OwnedFd) {
    let (mut terminal, mut program) = (-1, -1);
    let mut size = libc::winsize {
        ws_row: 40,
        ws_col: 120,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let none = std::ptr::null_mut();
    // SAFETY: the pointers are to live variables, or null where that means a default.
    let result = unsafe {
        libc::openpty(
            &mut terminal,
            &mut program,
            none,
            none.cast(),
            &raw mut size,
        )
    };
    assert_eq!(result, 0, "there is a terminal");
    // SAFETY: both were just opened, and nobody else has them.
    unsafe {
        (
            OwnedFd::from_raw_fd(terminal),
            OwnedFd::from_raw_fd(program),
        )
    }
}

fn large() -> Cli {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    cli.prepare(&["godwit generate -c 5000 -o items.ndjson"]);
    cli
}

#[test]
fn a_bar_shows_counts_rate_and_time_left() {
    let cli = large();
    let import = shown(&cli, super::IMPORT);
    assert!(
        import.contains("import of items: ") && import.contains(" left"),
        "{import}"
    );
    // What there is to tell is told once a second.
    let up = shown(&cli, "godwit up --items-per-second 2000");
    let bars: Vec<_> = up
        .split('\r')
        .filter(|part| part.contains("append 2.0.0 append on items ["))
        .collect();
    let mut told = 0;
    for bar in bars {
        let (_, numbers) = bar.split_once("] ").expect("the bar ends");
        assert!(numbers.contains("/5,000"), "{bar}");
        if numbers.contains("/s, ") && numbers.contains(" left") {
            told += 1;
            let rate = numbers.split(", ").nth(1).expect("there is a rate");
            assert!(!rate.contains('.'), "{bar}");
        }
    }
    assert!(told > 0, "{up}");
    assert!(up.contains("5,000 read, 5,000 updated in "), "{up}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let cli = large();
    for line in ["godwit status", "godwit --help"] {
        assert!(shown(&cli, line).contains("\u{1b}["), "{line}");
        let plain = shown(&cli, &format!("NO_COLOR=1 {line}"));
        assert!(!plain.contains("\u{1b}["), "{plain}");
    }
    assert!(shown(&cli, "NO_COLOR= godwit status").contains("\u{1b}[1;31merror:"));
}

#[test]
fn quiet_shows_no_bar() {
    let cli = large();
    cli.prepare(&[super::IMPORT]);
    let up = shown(&cli, "godwit up --quiet");
    assert!(!up.contains('\u{1b}') && up.starts_with("run 1: "), "{up}");
}

#[test]
fn packed_documents_are_not_for_the_terminal() {
    let cli = large();
    cli.prepare(&[super::IMPORT]);
    let export = shown(&cli, "NO_COLOR=1 godwit export --collection items --zstd");
    assert_eq!(
        export,
        "error: packed documents are not for the terminal\r\nhint: use -o FILE, or leave --zstd away\r\n"
    );
}
