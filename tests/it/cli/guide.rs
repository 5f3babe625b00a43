//! The operator's guide: what it tells people to type does what it says.

use godwit_tests::cli::Cli;

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
    let config = "store = \"lmdb:store\"\nplugins = \"plugins\"\n";
    let todos: String = (0..50)
        .map(|n| format!("{{\"_id\":\"{n:02}\",\"title\":\"Feed the {n} birds\"}}\n"))
        .collect();
    cli.write("godwit.toml", config)
        .write("plugins/todos-2-1-0.json", INDEX)
        .write("todos.ndjson", todos)
        .prepare(&["godwit import --app todos --collection todos --version 1.0.0 todos.ndjson"]);
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
        "would replace",
    ] {
        assert!(told.contains(part), "`{part}` is not in {told}");
    }
}
