//! The lease of a store: one holder at a time, named to everybody else; a dead one is succeeded at
//! once; one that slept through its lease changes nothing any more.
//!
//! Holders that race, die or are stopped are processes of their own (`src/bin/worker.rs`, and the
//! real command line), but for sled, which only one process may open: there they are threads.
//! Nothing here looks at how long anything takes; whatever has to happen is waited for.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use godwit::HostError;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::store::{Lease, OpenMode, Store};
use godwit_tests::campaign::godwit::{Godwit, SCHEMES};
use godwit_tests::campaign::process::Moment;
use godwit_tests::campaign::{Documents, boundary, worker};
use tempfile::TempDir;

const WORKER: &str = env!("CARGO_BIN_EXE_worker");
/// How long a test waits for what has to happen sooner or later.
const PATIENCE: Duration = Duration::from_secs(120);
/// A run of so many batches that nobody comes too late to kill it.
const LONG_UP: [&str; 5] = ["up", "--max-failures", "1000", "--batch-items", "1"];
const UP: [&str; 3] = ["up", "--max-failures", "1000"];
const DOCUMENTS: Documents = Documents {
    seed: 3,
    count: 1_500,
};

/// A folder with a store of documents and the migrations for them.
struct World {
    folder: TempDir,
    godwit: Godwit,
    url: String,
}

impl World {
    fn new(scheme: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let godwit = Godwit::copy_to(folder.path(), &["append-2-0-0", "append-3-0-0"]).unwrap();
        let lines = folder.path().join("documents");
        fs::write(&lines, DOCUMENTS.lines()).unwrap();
        let url = format!("{scheme}:{}", folder.path().join("store").display());
        worker::import(&url, &lines, 32 << 10, &|_| {}).unwrap();
        Self {
            folder,
            godwit,
            url,
        }
    }

    fn worker(&self, what: &str, name: &str) -> Command {
        let mut command = Command::new(WORKER);
        command.args([what, "--store", &self.url, "--name", name]);
        command
            .arg("--plugins")
            .arg(self.godwit.plugins())
            .stderr(Stdio::piped());
        command
    }

    /// Every byte of the store.
    fn dump(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let store = worker::open(&self.url, OpenMode::Existing).unwrap();
        let mut entries = Vec::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            entries.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        store.backend().scan(&[0], &[u8::MAX], &mut visit).unwrap();
        entries
    }

    fn assert_exactly_once(&self) {
        let store = worker::open(&self.url, OpenMode::Existing).unwrap();
        let all = DOCUMENTS.count as u64;
        let violations = boundary::check(&store, &DOCUMENTS, [all, 0]).unwrap();
        assert_eq!(violations, []);
    }
}

/// A process that takes part in a race; it is killed when the test ends.
struct Racer {
    name: String,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Racer {
    fn start(world: &World, name: &str) -> Self {
        let mut command = world.worker("race", name);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self {
            name: name.to_owned(),
            child,
            orders,
            answers,
        }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_of_two_processes_wins_each_race_and_the_other_knows_who() {
    let world = World::new("lmdb");
    let mut racers = [
        Racer::start(&world, "Achilles"),
        Racer::start(&world, "the tortoise"),
    ];
    for round in 0..200 {
        racers.swap(0, round % 2);
        racers.iter_mut().for_each(|racer| racer.order("go"));
        let answers = [racers[0].answer(), racers[1].answer()];
        let winner = answers
            .iter()
            .position(|answer| answer == "won")
            .expect("somebody wins");
        let name = &racers[winner].name;
        assert_eq!(
            answers[1 - winner],
            format!("{name} is busy with {name} on this store")
        );
        racers[winner].order("release");
        assert_eq!(racers[winner].answer(), "released");
    }
}

#[test]
fn one_of_many_threads_wins_each_race_and_the_others_know_who() {
    const RACERS: usize = 4;
    for scheme in SCHEMES {
        let folder = TempDir::new().unwrap();
        let url = format!("{scheme}:{}", folder.path().display());
        let store = worker::open(&url, OpenMode::Create).unwrap();
        let barrier = Arc::new(Barrier::new(RACERS));
        for _ in 0..50 {
            let race = |number: usize| {
                let (host, barrier) = (host(&store, &format!("racer {number}")), barrier.clone());
                move || {
                    barrier.wait();
                    host.lease("a race")
                }
            };
            let racers: Vec<_> = (0..RACERS)
                .map(|number| thread::spawn(race(number)))
                .collect();
            let results: Vec<_> = racers
                .into_iter()
                .map(|racer| racer.join().unwrap())
                .collect();
            release_the_only_winner(&store, results);
        }
    }
}

fn host(store: &Store, name: &str) -> Host {
    let catalogue = Catalogue::new();
    Host::new(store.clone(), catalogue, worker::surroundings(name))
}

fn release_the_only_winner(store: &Store, results: Vec<Result<Lease, HostError>>) {
    let winner = results
        .iter()
        .position(Result::is_ok)
        .expect("somebody wins");
    let mut won = None;
    for (number, result) in results.into_iter().enumerate() {
        match result {
            Ok(lease) => assert!(won.replace(lease).is_none(), "racer {number} won, too"),
            Err(error) => {
                let expected = format!("racer {winner} is busy with a race on this store");
                assert_eq!(error.to_string(), expected);
            }
        }
    }
    won.unwrap().release(store).unwrap();
}

#[test]
fn whoever_comes_after_a_killed_holder_goes_on_at_once() {
    for scheme in SCHEMES {
        let world = World::new(scheme);
        for _ in 0..3 {
            let moment = Moment::AfterFirstLine(Duration::ZERO);
            let ended = world.godwit.run(&world.url, &LONG_UP, moment).unwrap();
            assert_eq!(ended.code, None, "it was over too soon: {}", ended.said);
        }
        for (command, code) in [
            (&UP[..], 4),
            (&["quarantine", "accept", "--all"], 0),
            (&UP, 0),
            (&["status"], 0),
        ] {
            let ended = world.godwit.run(&world.url, command, Moment::Never);
            let ended = ended.unwrap();
            assert_eq!(ended.code, Some(code), "{scheme}: {}", ended.said);
        }
        world.assert_exactly_once();
    }
}

#[test]
fn a_holder_that_nobody_has_buried_yet_is_gone_all_the_same() {
    let world = World::new("lmdb");
    let mut command = world.godwit.command(&world.url, &LONG_UP);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    said.read_line(&mut String::new()).unwrap();
    child.kill().unwrap();
    wait_for_state(child.id(), 'Z');
    let ended = world.godwit.run(&world.url, &UP, Moment::Never).unwrap();
    assert_eq!(ended.code, Some(4), "{}", ended.said);
    assert_eq!(child.wait().unwrap().code(), None, "it was over too soon");
}

#[test]
fn a_holder_that_slept_through_its_lease_changes_nothing_and_says_who_has_it() {
    let world = World::new("lmdb");
    let stale = stopped(
        &world,
        world.worker("up", "the sleeper").args(["--lease", "200"]),
        "3",
    );
    let fresh = loop {
        // Until the lease has expired, the sleeper is named as its holder.
        let mut fresh = world.worker("finish", "the successor");
        match try_stopped(&world, &mut fresh, "2") {
            Ok(child) => break child,
            Err(said) => assert!(said.contains("the sleeper is busy with up"), "{said}"),
        }
    };
    let before = world.dump();
    let (code, said) = woken(stale);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("the lease on the store was lost to the successor"),
        "{said}"
    );
    assert!(world.dump() == before, "the sleeper changed something");
    let (code, said) = woken(fresh);
    assert_eq!(code, Some(0), "{said}");
    world.assert_exactly_once();
}

/// Starts a worker that stops itself behind a batch, and waits until it has.
fn stopped(world: &World, command: &mut Command, batch: &str) -> Child {
    try_stopped(world, command, batch).unwrap_or_else(|said| panic!("it ended: {said}"))
}

/// As [`stopped`]; of a worker that ended instead, what it said.
fn try_stopped(world: &World, command: &mut Command, batch: &str) -> Result<Child, String> {
    let acks: PathBuf = world.folder.path().join("acks");
    command
        .args(["--pause-after", batch])
        .arg("--acks")
        .arg(acks);
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while state(child.id()) != Some('T') {
        if let Some(status) = child.try_wait().unwrap() {
            let said = read_stderr(&mut child);
            assert_eq!(status.code(), Some(5), "{said}");
            return Err(said);
        }
        assert!(
            Instant::now() < deadline,
            "the worker neither stopped nor ended"
        );
        thread::sleep(Duration::from_millis(5));
    }
    Ok(child)
}

/// Lets a stopped worker go on to its end: its exit code, and what it said.
fn woken(mut child: Child) -> (Option<i32>, String) {
    let pid = i32::try_from(child.id()).unwrap();
    // SAFETY: kill takes numbers; the process is a child that was not waited for yet.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGCONT) }, 0);
    let said = read_stderr(&mut child);
    (child.wait().unwrap().code(), said)
}

fn read_stderr(child: &mut Child) -> String {
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    said
}

fn wait_for_state(pid: u32, wanted: char) {
    let deadline = Instant::now() + PATIENCE;
    while state(pid) != Some(wanted) {
        assert!(
            Instant::now() < deadline,
            "process {pid} is {:?}",
            state(pid)
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// The state of a process, as proc(5) has it.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.chars().next()
}
