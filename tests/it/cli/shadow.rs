//! `godwit up --shadow`, `godwit stats`, `godwit finalize`, `godwit reset`, `godwit put`, `godwit delete`

use godwit_tests::cli::Cli;
use godwit_tests::made::{LAYOUTS, Order, derive, rewrite};

use super::KINDS;

const ITEMS: &str = "{\"_id\":\"a\",\"n\":1}\n{\"_id\":\"b\",\"n\":2}\n{\"_id\":\"c\",\"n\":3}\n";

fn desk(kind: &str, orders: &[Order], items: &str) -> Cli {
    let cli = Cli::on(kind, &[]);
    for (number, order) in orders.iter().enumerate() {
        let file = format!("plugins/made-{number}.wasm");
        cli.write(&file, order.file(LAYOUTS[0]));
    }
    cli.write("items.ndjson", items);
    cli.prepare(&[
        "godwit import --app made --collection items --version 1.0.0 items.ndjson --quiet",
    ]);
    cli
}

fn two() -> [Order; 2] {
    ["2.0.0", "3.0.0"].map(|version| Order::new("made", version).step(rewrite("apply", "items")))
}

#[test]
fn an_application_goes_on_while_copies_are_migrated() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = desk(kind, &two(), ITEMS);
            cli.write("new.json", "{\"_id\":\"b\",\"n\":20}\n");
            let seen = cli
                .session(&[
                    "godwit up --shadow",
                    "godwit status",
                    "godwit put items b --version 1.0.0 new.json",
                    "godwit put items d --version 1.0.0 new.json --json",
                    "godwit delete items a nothing",
                    "godwit get items a b c --json",
                    "godwit get --shadow items a b c",
                    "godwit up",
                    "godwit finalize",
                    "godwit get items b c d",
                    "godwit digest",
                    "godwit verify",
                    "godwit runs",
                    "godwit undo 1",
                    "godwit export --collection items",
                    "godwit finalize",
                ])
                .replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @"");
        }
    }
}

#[test]
fn copies_are_dropped_and_what_is_live_stays() {
    let cli = desk("lmdb", &two(), ITEMS);
    insta::assert_snapshot!(cli.session(&[
        "godwit stats",
        "godwit reset",
        "godwit up --shadow --to 2.0.0 --app made --quiet",
        "godwit up --shadow --to 3.0.0 --app made",
        "godwit stats",
        "godwit reset",
        "godwit stats --json",
        "godwit runs",
        "godwit export --collection items",
        "godwit up --quiet",
        "godwit up --shadow",
    ]), @"");
}

#[test]
fn items_that_fail_do_so_in_the_copies() {
    let bad = "{\"_id\":\"b\",\"do\":{\"2.0.0/apply\":[[\"fail\",\"it will not do\"]]}}\n";
    let cli = desk(
        "lmdb",
        &two(),
        &format!("{ITEMS}{bad}").replace("{\"_id\":\"b\",\"n\":2}\n", ""),
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit up --shadow --max-failures 10",
        "godwit quarantine list",
        "godwit quarantine list --shadow",
        "godwit finalize",
        "godwit quarantine accept --shadow items/b",
        "godwit finalize --quiet",
        "godwit status",
    ]), @"");
}

#[test]
fn steps_that_see_others_are_left_to_the_end() {
    let orders = [
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("made", "3.0.0").step(derive("look", "items", "notes")),
    ];
    let cli = desk("lmdb", &orders, ITEMS);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --shadow",
        "godwit finalize",
        "godwit status",
    ]), @"");
}

#[test]
fn what_is_no_item_is_refused_and_nothing_is_written() {
    let cli = desk("lmdb", &two(), ITEMS);
    cli.write("bad.json", "{\"_id\":\n")
        .write("good.json", "{}");
    insta::assert_snapshot!(cli.session(&[
        "godwit put items a --version 1.0.0 bad.json",
        "godwit put nothing a --version 1.0.0 good.json",
        "godwit put items a --version one good.json",
        "godwit put items a good.json",
        "godwit put items a --version 1.0.0 missing.json",
        "godwit delete nothing a",
        "godwit get items a --shadow",
        "godwit up --shadow --dry-run",
        "godwit up --shadow --phase online",
        "godwit export --collection items",
    ]), @"");
}
