//! The operator's guide: what it tells people to type does what it says.

use godwit_tests::cli::Cli;
use godwit_tests::made::{LAYOUTS, Order, rewrite};

const INDEX: &str = r#"{"app": "todos", "version": "2.1.0", "requires": ">=2, <3", "operations": [
    {"ensure_index": {"collection": "todo-search", "pointer": "/words"}}]}"#;

#[test]
fn every_command_of_the_operators_guide_works_in_its_order() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/README.md");
    let guide = std::fs::read_to_string(file).unwrap();
    let blocks = guide.split("```console\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let commands: Vec<_> = blocks
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    assert!(commands.len() > 15, "{commands:?}");

    let cli = Cli::on("lmdb", &["todos-2-0-0"]);
    // An app of its own whose migration has a way back.
    let labels = Order::new("labels", "2.0.0").step(rewrite("apply", "labels"));
    let notes = Order::new("notes", "2.0.0").step(rewrite("apply", "notes"));
    let config = "store = \"lmdb:store\"\nplugins = \"plugins\"\n";
    let todos: String = (0..50)
        .map(|n| format!("{{\"_id\":\"{n:02}\",\"title\":\"Feed the {n} birds\"}}\n"))
        .collect();
    cli.write("godwit.toml", config)
        .write("plugins/todos-2-1-0.json", INDEX)
        .write("todos.ndjson", todos)
        .write("labels.ndjson", "{\"_id\":\"home\"}\n{\"_id\":\"work\"}\n")
        .write(
            "late.ndjson",
            "{\"_id\":\"garden\"}\n{\"_id\":\"sea\",\"version\":\"2.0.0\",\"trail\":[\"2.0.0/apply\"]}\n",
        )
        .write("later.ndjson", "{\"_id\":\"attic\"}\n")
        .write("plugins/labels-2-0-0.wasm", labels.file("both-ways-2-0-0"))
        .write("notes.ndjson", "{\"_id\":\"1\"}\n{\"_id\":\"2\"}\n")
        .write("note.json", "{\"_id\":\"17\"}\n")
        .write("plugins/notes-2-0-0.wasm", notes.file(LAYOUTS[0]))
        .prepare(&[
            "godwit import --app notes --collection notes --version 1.0.0 notes.ndjson",
            "godwit import --app labels --collection labels --version 1.0.0 labels.ndjson",
            "godwit up --app labels",
            "godwit import --app todos --collection todos --version 1.0.0 todos.ndjson",
        ]);
    let mut told = String::new();
    for command in commands {
        let ended = cli.run(command);
        assert_eq!(ended.code, Some(0), "{ended}");
        told += &format!("{ended}\n");
    }
    for part in [
        "nothing is wrong",
        "todos is at 2.0.0, which may serve",
        "todos 2.0.0 search on todos: 50 read, 50 unchanged, 50 written elsewhere",
        "todo-search: 50 items",
        "1 write of the application to follow",
        "it is live",
        "labels (labels at /version, else 1.0.0): 2 documents: 2 new (1 migrated)",
        "1 document: 1 new (1 waiting)",
        "run 7: labels 2.0.0 -> 1.0.0, completed",
        "would replace",
    ] {
        assert!(told.contains(part), "`{part}` is not in {told}");
    }
}
