//! `godwit pack` and `godwit bindgen`

use godwit::kit::CONTRACT;
use godwit_tests::cli::Cli;
use godwit_tests::world::guest;
use serde_json::json;

/// A core module that does nothing, asks WASI for what time it is, and has something for debuggers.
const CORE: &str = r#"(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $now (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func $asks_for_the_time (export "godwit:migration/description@1.0.0#describe") (result i32)
        (call $now (i32.const 0) (i64.const 0) (i32.const 0)))
    (func (export "godwit:migration/transform-text@1.0.0#migrate") (param i32 i32 i32 i32) (result i32) unreachable)
    (@custom ".debug_info" "what debuggers want"))"#;

#[test]
fn a_core_module_becomes_a_plugin() {
    let cli = Cli::new();
    cli.write("core.wasm", wat::parse_str(CORE).unwrap());
    let ended = cli.run("godwit pack core.wasm -o packed.wasm --json");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended}");
    let told = ended.json();
    assert_eq!(
        (&told["layout"], &told["closed_wasi"], &told["file"]),
        (&json!("text"), &json!(true), &json!("packed.wasm"))
    );
    let imports = told["imports"].as_array().unwrap();
    assert!(imports.iter().all(|import| import["is_contract"] == true));

    // Names of functions stay, what only debuggers want does not.
    let packed = std::fs::read(cli.path("packed.wasm")).unwrap();
    let has = |text: &str| {
        let text = text.as_bytes();
        packed.windows(text.len()).any(|window| window == text)
    };
    assert!(has("asks_for_the_time") && !has("what debuggers want"));

    // Packed once more, it is only checked.
    let ended = cli.run("godwit pack packed.wasm -o again.wasm");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.out.starts_with("again.wasm: "), "{ended}");
    assert_eq!(std::fs::read(cli.path("again.wasm")).unwrap(), packed);
}

#[test]
fn what_a_compiler_typed_becomes_a_plugin_that_works() {
    let cli = Cli::new();
    cli.write("core.wasm", std::fs::read(guest("bcd-2-0-0")).unwrap());
    cli.prepare(&["godwit pack core.wasm -o bcd.wasm"]);
    let inspected = cli.run("godwit inspect bcd.wasm --json").json();
    assert_eq!(
        (&inspected["app"], &inspected["version"]),
        (&json!("bcd"), &json!("2.0.0"))
    );
}

#[test]
fn imports_that_nobody_offers_are_a_warning_in_a_component_and_an_error_in_a_module() {
    let cli = Cli::new();
    cli.guests("plugins", &["tattle-2-0-0"]);
    let ended = cli.run("godwit pack plugins/tattle-2-0-0.wasm");
    assert_eq!(ended.code, Some(0), "{ended}");
    let text = r#"(module (import "env" "puts" (func (param i32))))"#;
    cli.write("core.wasm", wat::parse_str(text).unwrap())
        .write("text.wasm", "no Wasm");
    for (file, part) in [
        (
            "core.wasm",
            "it imports `puts` of `env`, which nobody offers",
        ),
        ("text.wasm", "it is not WebAssembly"),
        ("none.wasm", "none.wasm cannot be read"),
    ] {
        let ended = cli.run(&format!("godwit pack {file} -o out.wasm"));
        assert!(ended.code != Some(0) && ended.err.contains(part), "{ended}");
        assert!(ended.err.contains("hint: "), "{ended}");
        assert!(!cli.path("out.wasm").exists());
    }
    let ended = cli.run("godwit pack plugins/tattle-2-0-0.wasm -o nowhere/out.wasm");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(
        ended.err.contains("nowhere/out.wasm cannot be written"),
        "{ended}"
    );
}

#[test]
fn bindings_are_written_into_a_folder() {
    let cli = Cli::new();
    let trials = [
        ("c --to gen", "gen/columnar_migration.h"),
        ("c --layout records --to gen", "gen/migration.c"),
        (
            "c --layout text --to gen",
            "gen/text_migration_component_type.o",
        ),
        ("go --layout records --to gen/go", "gen/go/wit_exports.go"),
        ("wit --to wit", "wit/migration.wit"),
    ];
    for (arguments, file) in trials {
        let ended = cli.run(&format!("godwit bindgen {arguments}"));
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended}");
        assert!(ended.out.lines().any(|line| line == file), "{ended}");
        for line in ended.out.lines() {
            assert!(cli.path(line).is_file(), "{line}");
        }
    }
    assert_eq!(cli.read("wit/migration.wit"), CONTRACT);
    let ended = cli.run("godwit bindgen wit --to wit --json");
    assert_eq!(ended.json(), json!({"written": ["wit/migration.wit"]}));
    // A file is in the way.
    let ended = cli.run("godwit bindgen wit --to wit/migration.wit");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.err.contains("hint: "), "{ended}");
}
