//! The campaign against workers: on one PostgreSQL, several processes carry runs out together while they are killed, stopped
//! and woken again.
//!
//! Each cycle has a schema of its own with the same items, and ends when everything is up to date. What is left is compared
//! with what one process leaves that nobody disturbs. A worker that is stopped for longer than its lease lasts, and comes
//! back, must change nothing, and say that it was overtaken. How long it takes until others have what a worker owned that
//! was killed or stopped is measured.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::RunState;
use godwit::run::Quiet;
use godwit::store::{Backend, Memory, OpenMode, Postgres, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Result;
use super::godwit::Godwit;
use super::score::{Kind, Score};
use crate::made::{LAYOUTS, Order, made_for, plain, rewrite};
use crate::postgres::Server;
use crate::store_conformance::Dice;
use crate::world::{self, ENGINE, items, small_batches};

const COLLECTION: &str = "items";
/// No cycle takes longer.
const PATIENCE: Duration = Duration::from_secs(300);
/// A stopped worker may be noticed so much later than its lease ends.
const LATE: u64 = 1_000;

/// What was sent before a worker was stopped is carried out within so long.
const SENT: Duration = Duration::from_millis(50);

/// What a campaign is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many workers there are at a time.
    pub workers: usize,
    /// How many kills there are to be.
    pub kills: u64,
    /// How many workers are to be stopped beyond their lease while they own something.
    pub zombies: u64,
    /// How many items there are.
    pub items: usize,
    /// How long leases last, in milliseconds.
    pub lease: u64,
    /// What everything random is drawn from.
    pub seed: u64,
}

struct Worker {
    process: Child,
    /// When it is killed.
    dies_at: Instant,
    events: PathBuf,
}

struct Campaign<'s> {
    settings: Settings,
    folder: PathBuf,
    godwit: Godwit,
    server: Server,
    catalogue: Arc<Catalogue>,
    all: Vec<(String, String)>,
    expected: Vec<String>,
    dice: Dice,
    score: Score,
    started: u64,
    /// The longest that it took until others had all that a worker owned when it was killed or stopped, in milliseconds.
    latest: u64,
    say: &'s mut dyn FnMut(&str),
}

/// Carries a campaign out.
///
/// # Errors
/// When it cannot be carried out. What was found wrong is part of the score.
pub fn campaign(settings: Settings, say: &mut dyn FnMut(&str)) -> Result<Score> {
    let folder = TempDir::with_prefix("godwit-group-")?;
    let start = Instant::now();
    let mut campaign = Campaign::prepare(settings, folder.path().to_owned(), say)?;
    let mut cycle = 0;
    while campaign.score.counted("kills") < campaign.settings.kills {
        campaign.cycle(cycle, false)?;
        cycle += 1;
    }
    while campaign.score.counted("zombies") < campaign.settings.zombies {
        campaign.cycle(cycle, true)?;
        cycle += 1;
    }
    let Campaign {
        score, say, latest, ..
    } = campaign;
    say(&format!(
        "{} kills, {} zombies of which {} said that they were overtaken; others had what was theirs within {latest} ms, \
         {} cycles, {} s, {} violations",
        score.counted("kills"),
        score.counted("zombies"),
        score.counted("fenced"),
        score.counted("cycles"),
        start.elapsed().as_secs(),
        score.violations.len()
    ));
    Ok(score)
}

impl<'s> Campaign<'s> {
    fn prepare(settings: Settings, folder: PathBuf, say: &'s mut dyn FnMut(&str)) -> Result<Self> {
        let godwit = Godwit::copy_to(&folder, &[])?;
        let orders = ["2.0.0", "3.0.0"]
            .map(|version| Order::new("made", version).step(rewrite("apply", COLLECTION)));
        for (number, order) in orders.iter().enumerate() {
            let file = godwit.plugins().join(format!("made-{number}.wasm"));
            std::fs::write(file, order.file(LAYOUTS[0]))?;
        }
        // Compiled once, before anything is killed that compiles it.
        godwit.run("memory:", &["plan"], super::process::Moment::Never)?;
        let item = |number: usize| {
            let id = format!("{number:06}");
            match number % 50 {
                3 => (
                    id.clone(),
                    json!({"_id": id, "do": {"2.0.0/apply": [["remove"]]}}).to_string(),
                ),
                7 => (
                    id.clone(),
                    json!({"_id": id, "do": {"3.0.0/apply": [["keep"]]}}).to_string(),
                ),
                _ => plain(&id),
            }
        };
        let all: Vec<_> = (0..settings.items).map(item).collect();
        let catalogue = made_for(&ENGINE, LAYOUTS[0], &orders);
        let mut alone = world::host(Arc::new(Memory::new()), &catalogue);
        alone.options = small_batches(100, 2);
        alone.options.fused_steps = 1;
        world::seed(&alone, "made", COLLECTION, &all);
        world::up_accepting(&alone, &Quiet);
        Ok(Self {
            expected: outcome(&alone),
            dice: Dice::new(settings.seed),
            settings,
            folder,
            godwit,
            server: Server::start(),
            catalogue,
            all,
            score: Score::default(),
            started: 0,
            latest: 0,
            say,
        })
    }

    /// Has workers bring a store up to date, and disturbs them.
    fn cycle(&mut self, cycle: u64, with_zombies: bool) -> Result<()> {
        self.score.count("cycles");
        let url = self.server.url_of(&format!("cycle_{cycle}"));
        let backend: Arc<dyn Backend> = Arc::new(Postgres::open(&url, OpenMode::Create)?);
        let host = Host::new(
            Store::new(backend.clone())?,
            self.catalogue.clone(),
            world::surroundings(),
        );
        world::seed(&host, "made", COLLECTION, &self.all);
        let start = Instant::now();
        let mut workers: Vec<Worker> = Vec::new();
        let (mut left, mut zombie) = (Vec::new(), None);
        while !self.is_done(&host)? {
            if start.elapsed() > PATIENCE {
                let violation = Kind::StuckLease.because(format!("cycle {cycle} does not end"));
                self.score.violations.push(violation);
                break;
            }
            while workers.len() < self.settings.workers {
                workers.push(self.start(&url)?);
            }
            if with_zombies {
                if zombie.is_none() && self.score.counted("zombies") < self.settings.zombies {
                    zombie = self.make_zombie(&*backend, &mut workers)?;
                }
                if let Some(zombie) = &mut zombie
                    && !zombie.is_replaced
                {
                    zombie.is_replaced = self.is_taken(&*backend, &zombie.left)?;
                }
                let is_over = |zombie: &Zombie| zombie.left.since.elapsed() > zombie.beyond;
                if let Some(over) = zombie.take_if(|zombie| is_over(zombie)) {
                    self.wake(over, &*backend)?;
                }
                std::thread::sleep(Duration::from_millis(20));
            } else {
                self.kill_those_due(&*backend, &mut workers, &mut left)?;
                self.look_at_all(&*backend, &mut left)?;
            }
            for worker in &mut workers {
                self.look_after(worker)?;
            }
            workers.retain_mut(|worker| !matches!(worker.process.try_wait(), Ok(Some(_))));
        }
        if let Some(zombie) = zombie {
            std::thread::sleep(zombie.beyond.saturating_sub(zombie.left.since.elapsed()));
            self.wake(zombie, &*backend)?;
        }
        for mut worker in workers {
            worker.process.kill()?;
            worker.process.wait()?;
        }
        self.compare(cycle, &host)?;
        drop((host, backend));
        self.server
            .psql(&format!("DROP SCHEMA cycle_{cycle} CASCADE"));
        Ok(())
    }

    fn is_done(&self, host: &Host) -> Result<bool> {
        let runs = host.store().runs()?;
        Ok(runs
            .last()
            .is_some_and(|run| run.state == RunState::Completed))
    }

    fn start(&mut self, url: &str) -> Result<Worker> {
        self.started += 1;
        let events = self.folder.join(format!("events-{}", self.started));
        let (lease, file) = (
            format!("{}ms", self.settings.lease),
            events.display().to_string(),
        );
        // As many as there are workers: what one leaves, another wants.
        let range_items = self
            .settings
            .items
            .div_ceil(self.settings.workers)
            .to_string();
        let arguments = [
            "worker",
            "--quiet",
            "--threads",
            "1",
            "--batch-items",
            "8",
            "--range-items",
            &range_items,
            "--lease",
            &lease,
            "--backup",
            "never",
            "--events",
            &file,
        ];
        let mut command = self.godwit.command(url, &arguments);
        let said = File::create(self.folder.join(format!("said-{}", self.started)))?;
        command.stdin(Stdio::null()).stderr(said);
        let life = 50 + self.dice.below(250) as u64;
        Ok(Worker {
            process: command.spawn()?,
            dies_at: Instant::now() + Duration::from_millis(life),
            events,
        })
    }

    /// Kills every worker whose time has come, and notes what it leaves. While something is left for longer than a lease,
    /// all live on: there is to be somebody who can take it.
    fn kill_those_due(
        &mut self,
        backend: &dyn Backend,
        workers: &mut [Worker],
        left: &mut Vec<Left>,
    ) -> Result<()> {
        std::thread::sleep(Duration::from_millis(5));
        let lease = Duration::from_millis(self.settings.lease);
        if left.iter().any(|one| one.since.elapsed() > lease) {
            return Ok(());
        }
        for worker in workers {
            if worker.dies_at <= Instant::now() && worker.process.try_wait()?.is_none() {
                let since = Instant::now();
                worker.process.kill()?;
                worker.process.wait()?;
                self.score.count("kills");
                std::fs::remove_file(&worker.events).ok();
                left.push(Left::by(backend, worker.process.id(), since)?);
            }
        }
        Ok(())
    }

    /// Forgets those of the killed of whom others have everything by now.
    fn look_at_all(&mut self, backend: &dyn Backend, left: &mut Vec<Left>) -> Result<()> {
        for one in std::mem::take(left) {
            if !self.is_taken(backend, &one)? {
                left.push(one);
            }
        }
        Ok(())
    }

    /// A worker that ends by itself has nothing left to do.
    fn look_after(&mut self, worker: &mut Worker) -> Result<()> {
        if let Some(status) = worker.process.try_wait()?
            && let Some(code) = status.code().filter(|code| *code != 0)
        {
            let said = self.said(worker)?;
            let violation =
                Kind::of_exit(code).because(format!("a worker ended with {code}: {said}"));
            self.score.violations.push(violation);
        }
        Ok(())
    }

    fn said(&self, worker: &Worker) -> Result<String> {
        let file = worker
            .events
            .display()
            .to_string()
            .replace("events-", "said-");
        Ok(std::fs::read_to_string(file)?)
    }

    /// Stops a worker that owns something.
    fn make_zombie(
        &mut self,
        backend: &dyn Backend,
        workers: &mut Vec<Worker>,
    ) -> Result<Option<Zombie>> {
        let place = self.dice.below(workers.len());
        let pid = workers[place].process.id();
        signal(pid, libc::SIGSTOP)?;
        // What it has sent by now takes place all the same: it may have given back what it owned.
        std::thread::sleep(SENT);
        let left = Left::by(backend, pid, Instant::now())?;
        if left.owned.is_empty() {
            signal(pid, libc::SIGCONT)?;
            return Ok(None);
        }
        self.score.count("zombies");
        let worker = workers.swap_remove(place);
        Ok(Some(Zombie {
            worker,
            left,
            is_replaced: false,
            beyond: Duration::from_millis(self.settings.lease + LATE + 200),
        }))
    }

    /// Whether others have all that a process left; notes how long that took.
    fn is_taken(&mut self, backend: &dyn Backend, left: &Left) -> Result<bool> {
        let is_taken = left.kept(backend)?.is_empty();
        if is_taken && !left.owned.is_empty() {
            let took = u64::try_from(left.since.elapsed().as_millis())?;
            self.latest = self.latest.max(took);
        }
        Ok(is_taken)
    }

    /// Wakes a zombie whose ranges are somebody else's by now.
    fn wake(&mut self, mut zombie: Zombie, backend: &dyn Backend) -> Result<()> {
        let pid = zombie.left.pid;
        let kept = zombie.left.kept(backend)?;
        if !kept.is_empty() {
            let violation = format!(
                "nobody has taken over from process {pid} a second after its lease: {kept:?}"
            );
            self.score
                .violations
                .push(Kind::StuckLease.because(violation));
        }
        signal(pid, libc::SIGCONT)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            // What it says last it says before it ends.
            let has_ended = zombie.worker.process.try_wait()?.is_some();
            let told = std::fs::read_to_string(&zombie.worker.events).unwrap_or_default();
            if told.contains("\"fenced\"") {
                self.score.count("fenced");
                break;
            }
            if Instant::now() > deadline || has_ended {
                let what = format!(
                    "process {pid} came back and did not say that it was overtaken: {told}"
                );
                self.score.violations.push(Kind::Different.because(what));
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        zombie.worker.process.kill().ok();
        zombie.worker.process.wait()?;
        Ok(())
    }

    fn compare(&mut self, cycle: u64, host: &Host) -> Result<()> {
        let found = outcome(host);
        if found != self.expected {
            let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
                (found.iter().collect(), self.expected.iter().collect());
            let more: Vec<_> = found.difference(&expected).take(3).collect();
            let less: Vec<_> = expected.difference(&found).take(3).collect();
            let what = format!("cycle {cycle}: there is {more:?}, and not {less:?}");
            self.score.violations.push(Kind::Different.because(what));
        }
        if self.score.counted("cycles").is_multiple_of(10) {
            (self.say)(&format!(
                "{} kills, {} zombies, {} violations",
                self.score.counted("kills"),
                self.score.counted("zombies"),
                self.score.violations.len()
            ));
        }
        Ok(())
    }
}

/// What a process owned when it was killed or stopped.
struct Left {
    pid: u32,
    owned: BTreeMap<String, u64>,
    since: Instant,
}

impl Left {
    fn by(backend: &dyn Backend, pid: u32, since: Instant) -> Result<Self> {
        let owned = owned(backend, pid)?;
        Ok(Self { pid, owned, since })
    }

    /// What nobody else has yet.
    fn kept(&self, backend: &dyn Backend) -> Result<BTreeMap<String, u64>> {
        let mut kept = owned(backend, self.pid)?;
        kept.retain(|place, number| self.owned.get(place) == Some(number));
        Ok(kept)
    }
}

/// A worker that was stopped.
struct Zombie {
    worker: Worker,
    left: Left,
    /// Whether somebody else was seen to have all of it.
    is_replaced: bool,
    beyond: Duration,
}

/// The lease and the ranges that a process owns, each with the number of the owner that it is.
fn owned(backend: &dyn Backend, pid: u32) -> Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    let name = format!("(process {pid})");
    let mut look = |key: &[u8], value: &[u8]| {
        let record: Value = serde_json::from_slice(value).unwrap_or_default();
        let holder = match key[0] {
            b'L' => &record["holder"],
            _ => &record["owner"]["holder"],
        };
        let is_its = holder["name"]
            .as_str()
            .is_some_and(|holder| holder.ends_with(&name));
        if is_its && record["released"] != true {
            let number = record["number"].as_u64().unwrap_or_default();
            found.insert(key.escape_ascii().to_string(), number);
        }
        ControlFlow::Continue(())
    };
    backend.scan(b"L", b"M", &mut look)?;
    backend.scan(b"P", b"Q", &mut look)?;
    Ok(found)
}

/// What must be equal: items with their versions, tallies, what the steps have counted, the history but for its times.
fn outcome(host: &Host) -> Vec<String> {
    let store = host.store();
    let mut lines = items(store, COLLECTION);
    lines.push(format!("{:?}", store.tallies(&world::name(COLLECTION))));
    for run in store.runs().expect("the store works") {
        lines.push(format!("{} {:?}", run.id, run.state));
        for step in host.report(run).expect("the store works").steps {
            lines.push(format!(
                "{} {:?} {:?}",
                step.version, step.done, step.counts
            ));
        }
    }
    for entry in store.history().expect("the store works").0 {
        lines.push(format!("{} {}", entry.app, entry.version));
    }
    lines
}

fn signal(pid: u32, signal: libc::c_int) -> Result<()> {
    let pid = libc::pid_t::try_from(pid)?;
    // SAFETY: it is a child that was not waited for yet, so that the number is its own.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}
