//! What others take for the same change of the same documents. Their code is in `benches/peers`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use godwit_tests::campaign::process::program;
use godwit_tests::world::guest;

use super::Best;
use super::runs::{APP, items};
use super::table::{Row, Target};

/// Whole runs of Godwit, of which the fastest counts; the others have one round each, since they take minutes.
const ROUNDS: usize = 3;
/// By how much fewer documents those are given that take a transaction or a request for each.
const FEWER: usize = 100;
/// What `jq` is told.
const FILTER: &str = ".summary = .description | del(.description) | .tags = []";

/// How long something takes for a document, and for how many documents that was measured.
struct Pace {
    took: Duration,
    documents: usize,
}

impl Pace {
    fn seconds_each(&self) -> f64 {
        self.took.as_secs_f64() / self.documents as f64
    }
}

/// Holds whole runs of Godwit over so many documents to what others take.
pub(crate) fn compare(documents: usize) -> Vec<Row> {
    let bench = Bench::set_up(documents);
    let godwit = bench.godwit(documents);
    let few = (documents / FEWER).max(1);
    let rows = [
        (
            "a server in Node in the manner of Q, which posts each document and saves it / whole run",
            Target::AtLeast(50.0),
            bench.q(few),
        ),
        (
            "a script in Node over SQLite, one transaction for everything / whole run",
            Target::AtLeast(10.0),
            bench.script("once", documents),
        ),
        (
            "a script in Node over SQLite, a transaction for each document / whole run",
            Target::None,
            bench.script("each", few),
        ),
        (
            "`jq -c` from file to file / whole run",
            Target::AtLeast(5.0),
            bench.jq(documents),
        ),
        (
            "a plugin of Extism called for each document, from file to file / whole run",
            Target::AtLeast(3.0),
            bench.extism("tree", documents),
        ),
        (
            "the same with the editor of Godwit's SDK in the plugin / whole run",
            Target::None,
            bench.extism("text", documents),
        ),
    ];
    let row = |(what, target, pace): (_, _, Pace)| Row {
        what,
        target,
        found: pace.seconds_each() / godwit.seconds_each(),
        unit: "x",
        of: format!(
            "{:.1} s for {} documents, {:.1} s for {}",
            pace.took.as_secs_f64(),
            pace.documents,
            godwit.took.as_secs_f64(),
            godwit.documents
        ),
    };
    rows.into_iter().map(row).collect()
}

/// The documents in a file, and the peers, built.
struct Bench {
    folder: tempfile::TempDir,
    /// The documents, one on each line.
    lines: PathBuf,
    /// Where the peers in Node are.
    node: PathBuf,
    /// Extism's host and its plugin.
    extism: [PathBuf; 2],
}

impl Bench {
    fn set_up(documents: usize) -> Self {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers");
        let node = built.join("node");
        std::fs::create_dir_all(&node).expect("target can be written");
        for entry in std::fs::read_dir(&sources).expect("the peers are there") {
            let file = entry.expect("the peers are there").path();
            if file.is_file() {
                let name = file.file_name().expect("it is a file");
                std::fs::copy(&file, node.join(name)).expect("target can be written");
            }
        }
        let install = [
            "install",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--silent",
        ];
        run(Command::new("npm").args(install).current_dir(&node));
        let extism = extism(&sources.join("extism"), &built.join("extism"));
        let folder = tempfile::tempdir_in(&built).expect("a folder can be made");
        let lines = folder.path().join("documents.ndjson");
        write_lines(&lines, documents);
        Self {
            folder,
            lines,
            node,
            extism,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A whole run: `godwit up` on LMDB, from the start of the program to its end.
    fn godwit(&self, documents: usize) -> Pace {
        let godwit = program("godwit").expect("it is built: cargo build --release -p godwit-host");
        let plugins = self.path("plugins");
        std::fs::create_dir(&plugins).expect("a folder can be made");
        std::fs::copy(guest("members-2-0-0"), plugins.join("members-2-0-0.wasm"))
            .expect("the guest can be copied");
        let store = self.path("store");
        let command = |arguments: &[&str]| {
            let mut command = Command::new(&godwit);
            command
                .env("GODWIT_STORE", format!("lmdb:{}", store.display()))
                .env("GODWIT_PLUGINS", &plugins)
                .env("GODWIT_CACHE", self.path("cache"))
                .args(arguments)
                .arg("--quiet");
            command
        };
        let lines = self.lines.to_string_lossy();
        let import = [
            "import",
            "--collection",
            "texts",
            "--app",
            APP,
            "--version",
            "1.0.0",
            &lines,
        ];
        let mut best = Best::default();
        for round in 1..=ROUNDS {
            eprintln!("godwit, round {round}");
            run(&mut command(&import));
            best.add(run(&mut command(&["up"])));
            std::fs::remove_dir_all(&store).expect("the store can be removed");
        }
        Pace {
            took: Duration::from_secs_f64(best.seconds()),
            documents,
        }
    }

    fn q(&self, documents: usize) -> Pace {
        let database = self.database(documents);
        let mut tool = Command::new("node")
            .arg(self.node.join("tool.mjs"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let mut port = String::new();
        let out = tool.stdout.take().expect("it is piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut port)
            .expect("the tool says its port");
        let took = run(self.script_of("q.mjs").arg(database).arg(port.trim()));
        tool.kill().expect("the tool can be ended");
        tool.wait().expect("the tool ends");
        Pace { took, documents }
    }

    fn script(&self, transactions: &str, documents: usize) -> Pace {
        let database = self.database(documents);
        let took = run(self.script_of("script.mjs").arg(database).arg(transactions));
        Pace { took, documents }
    }

    fn script_of(&self, name: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.node.join(name));
        command
    }

    /// A new database with the first documents.
    fn database(&self, documents: usize) -> PathBuf {
        let database = self.path("documents.sqlite");
        for file in [
            "documents.sqlite",
            "documents.sqlite-wal",
            "documents.sqlite-shm",
        ] {
            let _ = std::fs::remove_file(self.path(file));
        }
        run(self
            .script_of("fill.mjs")
            .arg(&database)
            .arg(&self.lines)
            .arg(documents.to_string()));
        database
    }

    fn jq(&self, documents: usize) -> Pace {
        let took = run(self.piped(Command::new("jq").args(["-c", FILTER])));
        Pace { took, documents }
    }

    fn extism(&self, function: &str, documents: usize) -> Pace {
        let [host, plugin] = &self.extism;
        let took = run(self.piped(Command::new(host).arg(plugin).arg(function)));
        Pace { took, documents }
    }

    /// A command that reads the documents and writes to a file.
    fn piped<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let lines = File::open(&self.lines).expect("the documents can be read");
        let changed = File::create(self.path("changed.ndjson")).expect("a file can be made");
        command.stdin(lines).stdout(changed)
    }
}

/// Builds Extism's host and plugin, and says where they are.
fn extism(sources: &Path, built: &Path) -> [PathBuf; 2] {
    const TARGET: &str = "wasm32-unknown-unknown";
    let cargo = || {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--quiet", "--target-dir"])
            .arg(built)
            .current_dir(sources);
        cargo
    };
    run(cargo().args(["--package", "extism-peer"]));
    run(cargo().args(["--package", "extism-plugin", "--target", TARGET]));
    [
        built.join("release/extism-peer"),
        built.join(TARGET).join("release/extism_plugin.wasm"),
    ]
}

fn write_lines(file: &Path, documents: usize) {
    let mut out = BufWriter::new(File::create(file).expect("a file can be made"));
    for (id, body) in items(documents) {
        let (_, rest) = body.split_once(',').expect("the id comes first");
        writeln!(out, "{{\"_id\":\"{id}\",{rest}").expect("the file can be written");
    }
    out.flush().expect("the file can be written");
}

/// Runs a command to its end, and says how long it took.
fn run(command: &mut Command) -> Duration {
    let name = command.get_program().to_owned();
    eprintln!("{}", name.display());
    let started = Instant::now();
    let status = command.stderr(Stdio::inherit()).status();
    let status = status.unwrap_or_else(|error| panic!("{} is needed: {error}", name.display()));
    assert!(status.success(), "{} failed", name.display());
    started.elapsed()
}
