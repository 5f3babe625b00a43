//! What can be typed, and what is said about it.

use godwit_tests::cli::Cli;

const VERBS: [&str; 15] = [
    "import",
    "export",
    "inspect",
    "plan",
    "up",
    "status",
    "history",
    "runs",
    "get",
    "quarantine",
    "undo",
    "prune",
    "baseline",
    "generate",
    "completions",
];

#[test]
fn the_whole_help() {
    insta::assert_snapshot!(Cli::new().session(&["godwit --help"]), @"");
}

#[test]
fn the_help_of_verbs_has_what_each_takes() {
    let cli = Cli::new();
    insta::assert_snapshot!(cli.session(&["godwit import --help"]), @"");
    insta::assert_snapshot!(cli.session(&["godwit up --help"]), @"");
    insta::assert_snapshot!(cli.session(&["godwit quarantine --help"]), @"");
}

#[test]
fn every_verb_has_help_with_examples() {
    let cli = Cli::new();
    for verb in VERBS {
        let help = cli.run(&format!("godwit {verb} --help"));
        assert_eq!(help.code, Some(0), "{help}");
        assert_eq!(help.err, "", "{help}");
        let has_examples = help.out.contains("\nExample") || verb == "quarantine";
        assert!(has_examples, "{help}");
    }
    for verb in ["list", "show", "retry", "accept"] {
        let help = cli.run(&format!("godwit quarantine {verb} --help"));
        assert!(help.out.contains("\nExample"), "{help}");
    }
}

#[test]
fn every_verb_is_listed() {
    let help = Cli::new().run("godwit --help").out;
    let listed: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(listed, [&VERBS[..], &["help"]].concat());
}

#[test]
fn what_makes_no_sense_is_refused_with_a_hint_of_help() {
    let lines = [
        "godwit frobnicate",
        "godwit up --frobnicate",
        "godwit plan --phase later",
        "godwit plan --to 2",
        "godwit plan --accept nonsense",
        "godwit up --id items",
        "godwit up --max-failures many",
        "godwit up --on-failure ignore",
        "godwit up --threads 0",
        "godwit undo last",
        "godwit undo",
        "godwit prune",
        "godwit baseline append 1",
        "godwit import --collection 'a b' --version 1.0.0",
        "godwit import --collection items --version 1.0",
        "godwit import --collection items --version 1.0.0 --id name",
        "godwit quarantine show items",
        "godwit quarantine accept",
        "godwit get items",
    ];
    insta::assert_snapshot!(Cli::new().session(&lines), @"");
}

#[test]
fn without_a_verb_the_help_is_shown() {
    let ended = Cli::new().run("godwit");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("Usage: godwit [OPTIONS] <COMMAND>"),
        "{ended}"
    );
}

#[test]
fn the_version_is_that_of_the_package() {
    let ended = Cli::new().run("godwit --version");
    assert_eq!(ended.out, format!("godwit {}\n", env!("CARGO_PKG_VERSION")));
}
