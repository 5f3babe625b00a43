//! What README and the help tell people to type can be typed.

use godwit_tests::cli::Cli;

use super::help::NESTED;

fn readme() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    std::fs::read_to_string(file).expect("README.md is there")
}

/// The commands in a text: lines that start with `godwit`, or have it behind a `|`, as far as they
/// are for `godwit`.
fn commands(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let code = lines.filter(|line| line.starts_with("godwit ") || line.contains("| godwit "));
    code.flat_map(|line| line.split('|').map(str::to_owned).collect::<Vec<_>>())
        .map(|part| part.split(" #").next().unwrap_or_default().to_owned())
        .map(|part| {
            part.split(" >")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .filter(|part| part.starts_with("godwit "))
        .collect()
}

/// Gives a command in an empty folder, where nothing is to be found; what was typed is understood.
fn assert_understood(cli: &Cli, command: &str) {
    let ended = cli.run(command);
    let is_understood = !ended.err.contains("try '--help'") && ended.code != Some(1);
    assert!(is_understood, "{ended}");
}

#[test]
fn the_commands_of_readme_are_understood() {
    let cli = Cli::new();
    let commands = commands(&readme());
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        assert_understood(&cli, &command);
    }
}

#[test]
fn the_verbs_of_readme_are_there() {
    let readme = readme();
    let table = readme
        .lines()
        .skip_while(|line| !line.starts_with("| verb "));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let verbs = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let verbs: Vec<_> = verbs.filter_map(|verb| verb.split(' ').next()).collect();
    assert!(verbs.len() >= 15, "{verbs:?}");
    let pages = ["--help", "quarantine --help", "backup --help"];
    let pages = pages.map(|page| Cli::new().run(&format!("godwit {page}")).out);
    let help = pages.concat();
    for verb in verbs {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb}");
    }
}

#[test]
fn the_configuration_of_readme_is_understood() {
    let readme = readme();
    let block = readme.split("```toml\n").nth(1).expect("there is one");
    let block = block.split("```").next().expect("it ends");
    let cli = Cli::new();
    cli.write("godwit.toml", block);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run"]), @r#"
$ godwit up --dry-run
2> error: there is no store at data
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
"#);
}

#[test]
fn the_examples_of_the_help_are_understood() {
    let cli = Cli::new();
    let verbs = cli.run("godwit --help").out;
    let verbs = verbs
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let verbs: Vec<_> = verbs.take_while(|line| !line.is_empty()).collect();
    let verbs = verbs
        .iter()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let verbs = verbs.filter(|verb| !["", "help", "quarantine", "cache"].contains(verb));
    let nested = NESTED.map(str::to_owned);
    let mut tried = 0;
    for verb in verbs.map(str::to_owned).chain(nested) {
        let help = cli.run(&format!("godwit {verb} --help")).out;
        let examples = help.split("\nExample").nth(1).unwrap_or_default();
        for command in commands(examples) {
            // Two make files, and many items.
            let command = command.replace("00000", "");
            assert_understood(&cli, &command);
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried}");
}

#[test]
fn the_lines_that_were_promised_work_as_they_stand() {
    let cli = Cli::new();
    cli.guests("FOLDER", &["bcd-2-0-0", "bcd-3-0-0", "bcd-3-1-0"]);
    let before = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../plugins/examples/rust/bcd-2-0-0/items.before.ndjson"
    );
    let before = std::fs::read_to_string(before).expect("examples can be read");
    cli.write("features.ndjson", &before);
    let first = before.lines().next().expect("there are items");
    let first: serde_json::Value = serde_json::from_str(first).expect("items are JSON");
    let one = format!(
        "godwit up --store sled:DIR --plugins FOLDER --dry-run --id features/{} --json",
        first["_id"].as_str().expect("ids are strings")
    );
    cli.prepare(&[
        "godwit import --store sled:DIR --app bcd --collection features --version 1.0.0 features.ndjson",
        "godwit plan   --store sled:DIR --plugins FOLDER",
        &one,
        "godwit up     --store sled:DIR --plugins FOLDER --dry-run --app bcd --to 2.0.0 --phase offline",
    ]);
    let exported = cli
        .run("godwit export --store sled:DIR --collection features")
        .out;
    let mut sorted: Vec<_> = before.lines().map(str::to_owned).collect();
    sorted.sort_by_key(|line| {
        let body: serde_json::Value = serde_json::from_str(line).expect("items are JSON");
        body["_id"].to_string()
    });
    assert_eq!(exported.lines().collect::<Vec<_>>(), sorted);
    cli.prepare(&[
        "godwit up     --store sled:DIR --plugins FOLDER",
        "godwit status --store sled:DIR --json",
        "godwit history --store sled:DIR --json",
        "godwit runs --store sled:DIR --json",
        "godwit quarantine list --store sled:DIR",
        "godwit quarantine retry --store sled:DIR --plugins FOLDER",
        "godwit inspect FOLDER/bcd-2-0-0.wasm --json",
        "godwit undo 1 --store sled:DIR",
    ]);
    let undone = cli
        .run("godwit export --store sled:DIR --collection features")
        .out;
    assert_eq!(undone, exported);
}
