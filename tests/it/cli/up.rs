//! `godwit up`

use super::{GOOD, MIXED, on_each_kind, with_items};

#[test]
fn everything_pending_is_carried_out_once() {
    let seen = on_each_kind(
        GOOD,
        &["append-2-0-0", "append-3-0-0"],
        &[
            "godwit up",
            "godwit up",
            "godwit status",
            "godwit history",
            "godwit runs",
            "godwit export --collection items",
            "godwit export --collection tallies",
        ],
    );
    insta::assert_snapshot!(seen, @"");
}

#[test]
fn a_run_as_json() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --json", "godwit up --json"]), @"");
}

#[test]
fn quiet_is_quiet() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --quiet", "godwit up -q"]), @"");
}

#[test]
fn a_version_after_the_other() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --to 2.0.0", "godwit up"]), @"");
}

#[test]
fn one_item_goes_ahead_and_the_others_follow() {
    let seen = on_each_kind(
        GOOD,
        &["append-2-0-0", "append-3-0-0"],
        &[
            "godwit up --id items/a",
            "godwit get items a b --json",
            "godwit up --id items/a",
            "godwit status",
            "godwit up --id items/zzz",
            "godwit up --id nothing/a",
            "godwit up",
            "godwit get items a",
            "godwit up --id items/a",
        ],
    );
    insta::assert_snapshot!(seen, @"");
}

#[test]
fn an_empty_store_gets_the_history_of_an_up_to_date_one() {
    let cli = super::Cli::on("lmdb", &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up --dry-run", "godwit up", "godwit status"]), @"");
}

#[test]
fn a_run_that_is_blocked() {
    let seen = on_each_kind(
        MIXED,
        &["append-2-0-0"],
        &[
            "godwit up",
            "godwit up",
            "godwit status",
            "godwit plan",
            "godwit runs",
            "godwit runs 1",
        ],
    );
    insta::assert_snapshot!(seen, @"");
}

#[test]
fn a_run_that_stops_before_the_first_failure() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --on-failure stop",
        "godwit up --on-failure stop --json",
        "godwit status",
        "godwit export --collection items",
    ]), @"");
}

#[test]
fn a_run_that_the_breaker_stops() {
    let items: String = (0..200)
        .map(|n| format!("{{\"_id\":\"{n:03}\",\"bad\":{}}}\n", n % 2 == 1))
        .collect();
    let cli = with_items(&items, &["append-2-0-0"]);
    let breaker = cli.run("godwit up --max-failures 3");
    assert_eq!(breaker.code, Some(4), "{breaker}");
    assert!(
        breaker
            .err
            .contains("failed step append of 2.0.0, more than 3; "),
        "{breaker}"
    );
    insta::assert_snapshot!(breaker.err.lines().last().unwrap_or_default(), @"");
    let dry = cli.run("godwit up --dry-run");
    assert_eq!(
        dry.out
            .lines()
            .filter(|line| line.starts_with("! items/"))
            .count(),
        100
    );
    let shares = cli.run("godwit up --max-failures 40% --quiet");
    assert!(shares.err.contains(", more than 40%; "), "{shares}");
    let all = cli.run("godwit up --max-failures 100% --quiet");
    assert!(
        all.out.contains("200 read, 100 updated, 100 failed"),
        "{all}"
    );
}
