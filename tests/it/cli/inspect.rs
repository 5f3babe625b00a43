//! `godwit inspect`

use godwit_tests::cli::Cli;

#[test]
fn a_plugin_says_what_it_is() {
    let cli = Cli::new();
    cli.guests(".", &["bcd-3-1-0", "todos-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit inspect bcd-3-1-0.wasm",
        "godwit inspect bcd-3-1-0.wasm --json",
        "godwit inspect todos-2-0-0.wasm",
    ]), @r#"
$ godwit inspect bcd-3-1-0.wasm
bcd 3.1.0: lists deprecated features and counts features by namespace
  file       bcd-3-1-0.wasm ([size])
  digest     sha256:[digest]
  contract   1.0.0, columns
  requires   >=3, <3.1
  step       index (offline) derives from features, writes deprecated stats
  import     godwit:migration/types@1.0.0
  import     godwit:migration/log@1.0.0
  import     godwit:migration/documents@1.0.0
  limit      memory           [size]
  limit      memories         10
  limit      tables           100
  limit      table-elements   100,000
  limit      instances        100
  limit      handles          1,000
  limit      stack            [size]
  limit      component-size   [size]
  limit      compile-time     2 min [time]
  limit      compile-memory   [size]
  limit      describe-time    2.0 s
  limit      batch-time       5.0 s
  limit      fuel             not metered
  limit      call-size        [size]
  limit      reply-size       [size]
  limit      body-size        [size]
  limit      json-depth       128
  limit      duplicate-names  refused
  limit      failure-size     [size]
  limit      log-line-size    [size]
  limit      log-batch-size   [size]
  limit      log-step-size    [size]
  limit      document-calls   100,000
  limit      document-size    [size]
$ godwit inspect bcd-3-1-0.wasm --json
{
  "app": "bcd",
  "version": "3.1.0",
  "requires": ">=3, <3.1",
  "depends_on": [],
  "summary": "lists deprecated features and counts features by namespace",
  "steps": [
    {
      "name": "index",
      "phase": "offline",
      "transform": {
        "mode": "derive",
        "collection": "features",
        "reads": [],
        "writes": [
          "deprecated",
          "stats"
        ]
      }
    }
  ],
  "digest": "[digest]",
  "bytes": "[size]",
  "contract": "1.0.0",
  "layout": "columns",
  "imports": [
    {
      "name": "godwit:migration/types@1.0.0",
      "is_contract": true
    },
    {
      "name": "godwit:migration/log@1.0.0",
      "is_contract": true
    },
    {
      "name": "godwit:migration/documents@1.0.0",
      "is_contract": true
    }
  ],
  "exports": [
    {
      "name": "godwit:migration/description@1.0.0",
      "is_contract": true
    },
    {
      "name": "godwit:migration/transform-columns@1.0.0",
      "is_contract": true
    }
  ],
  "limits": {
    "memory": 268435456,
    "memories": 10,
    "tables": 100,
    "table-elements": 100000,
    "instances": 100,
    "handles": 1000,
    "stack": 524288,
    "component-size": 67108864,
    "compile-time": 120000,
    "compile-memory": 4294967296,
    "describe-time": 2000,
    "batch-time": 5000,
    "fuel": null,
    "call-size": 67108864,
    "reply-size": 67108864,
    "body-size": 8388608,
    "json-depth": 128,
    "duplicate-names": "refuse",
    "failure-size": 10240,
    "log-line-size": 1024,
    "log-batch-size": 65536,
    "log-step-size": 1048576,
    "document-calls": 100000,
    "document-size": 67108864
  }
}
$ godwit inspect todos-2-0-0.wasm
todos 2.0.0: fills an index of the words in titles
  file       todos-2-0-0.wasm ([size])
  digest     sha256:[digest]
  contract   1.0.0, columns
  requires   >=1, <2
  step       shape (offline) rewrites todos
  step       search (online) derives from todos, writes todo-search
  import     godwit:migration/types@1.0.0
  import     godwit:migration/log@1.0.0
  import     godwit:migration/documents@1.0.0
  limit      memory           [size]
  limit      memories         10
  limit      tables           100
  limit      table-elements   100,000
  limit      instances        100
  limit      handles          1,000
  limit      stack            [size]
  limit      component-size   [size]
  limit      compile-time     2 min [time]
  limit      compile-memory   [size]
  limit      describe-time    2.0 s
  limit      batch-time       5.0 s
  limit      fuel             not metered
  limit      call-size        [size]
  limit      reply-size       [size]
  limit      body-size        [size]
  limit      json-depth       128
  limit      duplicate-names  refused
  limit      failure-size     [size]
  limit      log-line-size    [size]
  limit      log-batch-size   [size]
  limit      log-step-size    [size]
  limit      document-calls   100,000
  limit      document-size    [size]
"#);
}

#[test]
fn a_schema_file_says_what_it_is() {
    let cli = Cli::new();
    cli.write(
        "schema.json",
        r#"{"app": "bcd", "version": "1.1.0", "requires": ">=1, <2",
        "summary": "finds what is deprecated", "depends_on": [{"app": "users", "versions": ">=2"}],
        "operations": [
            {"create_collection": {"collection": "blobs", "opaque": true}},
            {"ensure_index": {"collection": "features", "pointer": "/status/deprecated"}},
            {"drop_index": {"collection": "features", "pointer": ""}}]}"#,
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit inspect schema.json",
        "godwit inspect schema.json --json",
    ]), @r#"
$ godwit inspect schema.json
bcd 1.1.0: finds what is deprecated
  file       schema.json ([size])
  digest     sha256:[digest]
  requires   >=1, <2
  depends on users >=2
  step       create-collection-1 (offline) makes the collection blobs of opaque bodies
  step       ensure-index-2 (offline) indexes features by `/status/deprecated`
  step       drop-index-3 (offline) drops the index of features by ``
$ godwit inspect schema.json --json
{
  "app": "bcd",
  "version": "1.1.0",
  "requires": ">=1, <2",
  "depends_on": [
    {
      "app": "users",
      "versions": ">=2"
    }
  ],
  "summary": "finds what is deprecated",
  "steps": [
    {
      "name": "create-collection-1",
      "phase": "offline",
      "schema": {
        "create_collection": {
          "collection": "blobs",
          "opaque": true
        }
      }
    },
    {
      "name": "ensure-index-2",
      "phase": "offline",
      "schema": {
        "ensure_index": {
          "collection": "features",
          "pointer": "/status/deprecated"
        }
      }
    },
    {
      "name": "drop-index-3",
      "phase": "offline",
      "schema": {
        "drop_index": {
          "collection": "features",
          "pointer": ""
        }
      }
    }
  ],
  "digest": "[digest]",
  "bytes": "[size]",
  "contract": null,
  "layout": null,
  "imports": null,
  "exports": null,
  "limits": null
}
"#);
}

#[test]
fn what_is_no_plugin_says_why() {
    let cli = Cli::new();
    cli.write("text.wasm", "not wasm")
        .write("core.wasm", b"\0asm\x01\0\0\0")
        .write("component.wasm", b"\0asm\x0d\0\x01\0")
        .write("cut.wasm", b"\0asm\x01\0\0\0\x01")
        .write(
            "bad.json",
            r#"{"app": "a", "version": "1.0.0", "operations": [{"rename": {}}]}"#,
        )
        .write("syntax.json", "{")
        .write("folder/file", "");
    insta::assert_snapshot!(cli.session(&[
        "godwit inspect text.wasm",
        "godwit inspect text.wasm --json",
        "godwit inspect core.wasm",
        "godwit inspect component.wasm",
        "godwit inspect bad.json",
        "godwit inspect syntax.json",
        "godwit inspect missing.wasm",
        "godwit inspect folder",
    ]), @r#"
$ godwit inspect text.wasm
2> error: text.wasm: it is not WebAssembly
2> hint: a plugin is a WebAssembly component that speaks contract 1.0.0, or a schema file, whose name ends in .json; plugins/README.md shows both
[exit 4]
$ godwit inspect text.wasm --json
2> error: text.wasm: it is not WebAssembly
2> hint: a plugin is a WebAssembly component that speaks contract 1.0.0, or a schema file, whose name ends in .json; plugins/README.md shows both
{
  "error": "text.wasm: it is not WebAssembly",
  "hint": "a plugin is a WebAssembly component that speaks contract 1.0.0, or a schema file, whose name ends in .json; plugins/README.md shows both"
}
[exit 4]
$ godwit inspect core.wasm
2> error: core.wasm: it is a core module without a component type; build it with a wit-bindgen SDK
2> hint: a plugin is a WebAssembly component that speaks contract 1.0.0, or a schema file, whose name ends in .json; plugins/README.md shows both
[exit 4]
$ godwit inspect component.wasm
2> error: component.wasm: it does not export `godwit:migration/description` and one of the transform interfaces
2> hint: a plugin is a WebAssembly component that speaks contract 1.0.0, or a schema file, whose name ends in .json; plugins/README.md shows both
[exit 4]
$ godwit inspect bad.json
2> error: bad.json is not a schema file: unknown variant `rename`, expected one of `create_collection`, `ensure_index`, `drop_index` at line 1 column 57
2> hint: a plugin is a WebAssembly component that speaks contract 1.0.0, or a schema file, whose name ends in .json; plugins/README.md shows both
[exit 4]
$ godwit inspect syntax.json
2> error: syntax.json is not a schema file: EOF while parsing an object at line 1 column 1
2> hint: a plugin is a WebAssembly component that speaks contract 1.0.0, or a schema file, whose name ends in .json; plugins/README.md shows both
[exit 4]
$ godwit inspect missing.wasm
2> error: missing.wasm cannot be read: No such file or directory (os error 2)
2> hint: check the path; `godwit build` builds a project's plugin
[exit 2]
$ godwit inspect folder
2> error: folder cannot be read: Is a directory (os error 21)
2> hint: check the path; `godwit build` builds a project's plugin
[exit 2]
"#);
    let cut = cli.run("godwit inspect cut.wasm");
    assert_eq!(cut.code, Some(4), "{cut}");
    assert!(cut.err.starts_with("error: cut.wasm: "), "{cut}");
}

#[test]
fn a_component_cut_short_is_at_fault() {
    let cli = Cli::new();
    let whole = std::fs::read(godwit_tests::world::guest("append-2-0-0")).expect("it is built");
    cli.write("cut.wasm", &whole[..whole.len() / 2]);
    let ended = cli.run("godwit inspect cut.wasm");
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.err.contains("\nhint: "), "{ended}");
}
