//! `godwit.toml`, variables and flags.

use godwit_tests::cli::Cli;

/// Which store is used when several are named: they differ by what they say of being missing.
#[test]
fn flags_override_variables_which_override_the_file() {
    let cli = Cli::new();
    cli.write(
        "godwit.toml",
        "store = \"of-the-file\"\nplugins = \"of-the-file\"\n",
    );
    cli.write("other/godwit.toml", "store = \"lmdb:beside\"\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit status",
        "GODWIT_STORE=of-the-variable godwit status",
        "GODWIT_STORE=of-the-variable godwit status --store of-the-flag",
        "GODWIT_STORE= godwit status",
        "godwit --config other/godwit.toml status",
        "GODWIT_CONFIG=other/godwit.toml godwit status",
    ]), @"");
    cli.write("items.ndjson", super::GOOD)
        .prepare(&[super::IMPORT]);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "GODWIT_PLUGINS=of-the-variable godwit plan",
        "GODWIT_PLUGINS=of-the-variable godwit plan --plugins of-the-flag",
    ]), @"");
}

#[test]
fn nothing_named_says_how_to_name_it() {
    let cli = Cli::new();
    insta::assert_snapshot!(cli.session(&[
        "godwit status",
        "godwit plan --store memory:",
        "godwit inspect",
    ]), @"");
}

#[test]
fn a_bad_configuration_is_named_with_its_line() {
    let cli = Cli::new();
    for (name, text) in [
        ("key", "stor = \"x\"\n"),
        ("syntax", "store = \n"),
        ("type", "store = 7\n"),
        ("kind", "[policy]\nhole = \"warn\"\n"),
        ("fixed", "[policy]\ntarget = \"accept\"\n"),
        ("choice", "[policy]\ngap = \"maybe\"\n"),
    ] {
        cli.write(&format!("{name}.toml"), text);
    }
    cli.write("folder/file", "");
    insta::assert_snapshot!(cli.session(&[
        "godwit --config key.toml status",
        "godwit --config key.toml status --json",
        "godwit --config syntax.toml status",
        "godwit --config type.toml status",
        "godwit --config kind.toml status",
        "godwit --config fixed.toml status",
        "godwit --config choice.toml status",
        "godwit --config missing.toml status",
        "godwit --config folder status",
    ]), @"");
}

#[test]
fn how_runs_are_carried_out_is_checked_before_one_is() {
    let cli = super::with_items(super::MIXED, &["append-2-0-0"]);
    let base = "store = \"lmdb:store\"\nplugins = \"plugins\"\n[run]\n";
    for (name, line) in [
        ("threads", "threads = 0"),
        ("many", "threads = 1000"),
        ("bytes", "batch-bytes = 99999999"),
        ("failures", "max-failures = \"lots\""),
        ("failure", "on-failure = \"ignore\""),
        ("stop", "on-failure = \"stop\""),
        ("breaker", "max-failures = \"0\""),
    ] {
        cli.write(&format!("{name}.toml"), format!("{base}{line}\n"));
    }
    insta::assert_snapshot!(cli.session(&[
        "godwit --config threads.toml up",
        "godwit --config many.toml up",
        "godwit --config bytes.toml up",
        "godwit --config failures.toml up",
        "godwit --config failure.toml up",
        "godwit --config stop.toml up",
        "godwit --config breaker.toml up",
        "godwit --config stop.toml up --on-failure quarantine",
    ]), @"");
}

#[test]
fn a_policy_of_the_file_decides_about_findings() {
    let cli = super::with_items(super::GOOD, &["append-2-0-0"]);
    cli.write("plugins/notes.json", "{}");
    let base = cli.read("godwit.toml");
    cli.write(
        "warn.toml",
        format!("{base}[policy]\ninvalid-file = \"warn\"\n"),
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit --config warn.toml plan",
        "godwit --config warn.toml plan --accept invalid-file",
    ]), @"");
}
