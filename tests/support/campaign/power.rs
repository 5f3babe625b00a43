//! The campaign of power cuts: the disk loses everything that was not made durable.
//!
//! A worker migrates a store on a [`Disk`] and writes each batch that was acknowledged to a file
//! outside of it. At a random moment the power is cut, the worker killed, the disk mounted anew, and
//! a fresh process opens the store and checks it: it opens without help, each document is there
//! exactly once and entirely old or entirely new, where it changes is the checkpoint, and nothing
//! that was acknowledged is missing. Some disks are cut again from there; then the run goes on to
//! its end, and what it leaves is compared with that of a run that nobody disturbed. In a share of
//! the cycles it is the import into a new store that is cut.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::disk::{Disk, Missing};
use super::process::{self, Ended, Moment};
use super::score::{Kind, Score};
use super::{Documents, Result, worker};
use crate::store_conformance::Dice;
use crate::world;

/// How often one store is cut off before its run goes on to the end.
const CUTS_OF_ONE_RUN: u32 = 3;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The kind of store: `lmdb` or `sled`.
    pub scheme: String,
    /// How many cuts there are to be.
    pub cuts: u64,
    /// What everything random is drawn from.
    pub seed: u64,
    /// How many documents are migrated.
    pub items: usize,
    /// Bytes of documents in a batch.
    pub batch_bytes: usize,
}

/// How a campaign ended.
#[derive(Debug)]
pub enum Ending {
    /// It was carried out.
    Score(Score),
    /// It cannot be carried out on this machine.
    Missing(String),
}

/// What the worker is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Import,
    Finish,
}

struct Campaign {
    settings: Settings,
    disk: Disk,
    worker: PathBuf,
    plugins: PathBuf,
    documents: Documents,
    /// How long the import and the run take, from the first acknowledgement on.
    paces: [Duration; 2],
    dice: Dice,
    score: Score,
}

/// Carries out a campaign; it must be called before other threads are started.
///
/// # Errors
/// When something other than the means is missing. What was found wrong is part of the score.
pub fn campaign(settings: Settings, say: &mut dyn FnMut(&str)) -> Result<Ending> {
    let folder = TempDir::with_prefix("godwit-power-")?;
    let worker = process::program("worker")?;
    let disk = match Disk::make(folder.path()) {
        Ok(disk) => disk,
        Err(Missing(what)) => return Ok(Ending::Missing(what)),
    };
    let mut campaign = Campaign::prepare(settings, disk, &worker)?;
    say(&campaign.describe());
    let start = Instant::now();
    while campaign.score.counted("cuts") < campaign.settings.cuts {
        campaign.cycle()?;
        say(&format!(
            "{} of {} cuts, {} s, {} violations",
            campaign.score.counted("cuts"),
            campaign.settings.cuts,
            start.elapsed().as_secs(),
            campaign.score.violations.len()
        ));
    }
    Ok(Ending::Score(campaign.score))
}

impl Campaign {
    fn prepare(settings: Settings, disk: Disk, worker: &Path) -> Result<Self> {
        let plugins = disk.outside().join("plugins");
        std::fs::create_dir_all(&plugins)?;
        for guest in ["append-2-0-0", "append-3-0-0"] {
            std::fs::copy(world::guest(guest), plugins.join(format!("{guest}.wasm")))?;
        }
        let copy = disk.outside().join("worker");
        std::fs::copy(worker, &copy)?;
        let documents = Documents {
            seed: settings.seed,
            count: settings.items,
        };
        std::fs::write(disk.outside().join("documents"), documents.lines())?;
        let mut this = Self {
            dice: Dice::new(settings.seed),
            settings,
            disk,
            worker: copy,
            plugins,
            documents,
            paces: Default::default(),
            score: Score::default(),
        };
        this.disk.keep("empty")?;
        this.rehearse()?;
        Ok(this)
    }

    /// Goes through everything once without disturbance.
    fn rehearse(&mut self) -> Result<()> {
        for task in [Task::Import, Task::Finish] {
            self.disk.mount(&[])?;
            let ended = process::run(&mut self.work(task), Moment::Never)?;
            succeeded(&ended)?;
            self.paces[task as usize] = ended.worked;
            succeeded(&self.ask("save", &[])?)?;
            self.disk.unmount()?;
            self.forget(task);
            if task == Task::Import {
                self.disk.keep("imported")?;
                std::fs::rename(self.outside("outcome"), self.outside("import"))?;
            } else {
                std::fs::rename(self.outside("outcome"), self.outside("finish"))?;
            }
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let Settings {
            scheme,
            items,
            seed,
            ..
        } = &self.settings;
        let [import, finish] = self.paces.map(|pace| pace.as_millis());
        format!("{scheme}: {items} items, seed {seed}; import {import} ms, run {finish} ms")
    }

    /// A store that is cut off once or several times, and then left to finish.
    fn cycle(&mut self) -> Result<()> {
        self.score.count("cycles");
        let task = if self.dice.below(5) == 0 {
            Task::Import
        } else {
            Task::Finish
        };
        self.disk.restore(if task == Task::Import {
            "empty"
        } else {
            "imported"
        })?;
        self.forget(task);
        for _ in 0..=self.dice.below(CUTS_OF_ONE_RUN as usize) {
            if !self.cut_once(task)? {
                return Ok(());
            }
        }
        self.finish(task)
    }

    /// Works until the power is cut, and checks what is left; `false` if that is not sound.
    fn cut_once(&mut self, task: Task) -> Result<bool> {
        self.disk.mount(if self.dice.below(2) == 0 {
            &["commit=1"]
        } else {
            &[]
        })?;
        let write_back = self
            .disk
            .write_back("store", self.dice.below(1 << 30) as u64);
        let mut worker = self
            .work(task)
            .stderr(std::process::Stdio::piped())
            .spawn()?;
        self.wait_for_a_moment(task, &mut worker)?;
        self.disk.cut()?;
        worker.kill()?;
        worker.wait()?;
        drop(write_back);
        self.disk.unmount()?;
        self.score.count("cuts");
        self.disk.mount(&[])?;
        let is_sound = self.check(task)?;
        self.disk.unmount()?;
        Ok(is_sound)
    }

    /// Mostly some time after the first acknowledgement; sometimes before it.
    fn wait_for_a_moment(&mut self, task: Task, worker: &mut std::process::Child) -> Result<()> {
        if self.dice.below(10) > 0 {
            let file = self.outside(acknowledged(task));
            let before = std::fs::metadata(&file).map_or(0, |file| file.len());
            let is_longer = || std::fs::metadata(&file).is_ok_and(|file| file.len() > before);
            while !is_longer() && worker.try_wait()?.is_none() {
                std::thread::sleep(Duration::from_micros(500));
            }
        }
        let pace = self.paces[task as usize].as_micros() as usize;
        let delay = Duration::from_micros(self.dice.below(pace.max(1)) as u64);
        std::thread::sleep(delay);
        Ok(())
    }

    fn finish(&mut self, task: Task) -> Result<()> {
        self.disk.mount(&[])?;
        let ended = process::run(&mut self.work(task), Moment::Never)?;
        if ended.code == Some(0) {
            let name = if task == Task::Import {
                "import"
            } else {
                "finish"
            };
            let expected = self.outside(name);
            let ended = self.ask("compare", &["--expected", &expected.to_string_lossy()])?;
            self.note(&ended);
        } else {
            self.note(&ended);
        }
        self.disk.unmount()
    }

    /// Checks the store that a cut has left, in a process of its own.
    fn check(&mut self, task: Task) -> Result<bool> {
        let acknowledged = self.outside(acknowledged(task));
        let (seed, count) = (
            self.documents.seed.to_string(),
            self.documents.count.to_string(),
        );
        let what = if task == Task::Import {
            "check-import"
        } else {
            "check"
        };
        let acks = acknowledged.to_string_lossy();
        let ended = self.ask(what, &["--seed", &seed, "--items", &count, "--acks", &acks])?;
        Ok(self.note(&ended))
    }

    /// Adds what a worker said to the score; `true` if it had nothing to say against the store.
    fn note(&mut self, ended: &Ended) -> bool {
        let kind = match ended.code {
            Some(0) => return true,
            Some(5) => Kind::StuckLease,
            Some(6) => Kind::Unopenable,
            Some(code) if code == i32::from(worker::DIFFERENT) => Kind::Different,
            Some(_) | None => Kind::ManualCommand,
        };
        let lines = ended.said.lines();
        let kinds = lines
            .clone()
            .filter_map(worker::kind_of)
            .collect::<Vec<_>>();
        let kind = kinds.first().copied().unwrap_or(kind);
        self.score.violations.push(kind.because(ended.said.clone()));
        false
    }

    fn work(&self, task: Task) -> Command {
        let what = if task == Task::Import {
            "import"
        } else {
            "finish"
        };
        let mut command = self.command(what);
        command.args(["--batch-bytes", &self.settings.batch_bytes.to_string()]);
        command.arg("--acks").arg(self.outside(acknowledged(task)));
        command
    }

    fn ask(&self, what: &str, arguments: &[&str]) -> Result<Ended> {
        process::run(self.command(what).args(arguments), Moment::Never)
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.worker);
        let url = format!(
            "{}:{}",
            self.settings.scheme,
            self.disk.inside("store").display()
        );
        command
            .args([what, "--store", &url])
            .arg("--plugins")
            .arg(&self.plugins);
        command.arg("--documents").arg(self.outside("documents"));
        command.arg("--outcome").arg(self.outside("outcome"));
        command
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.disk.outside().join(name)
    }

    /// Forgets what was acknowledged.
    fn forget(&self, task: Task) {
        // It may not be there yet.
        let _ = std::fs::remove_file(self.outside(acknowledged(task)));
    }
}

fn acknowledged(task: Task) -> &'static str {
    match task {
        Task::Import => "import.acks",
        Task::Finish => "finish.acks",
    }
}

fn succeeded(ended: &Ended) -> Result<()> {
    match ended.code {
        Some(0) => Ok(()),
        code => Err(format!("an undisturbed worker ended with {code:?}: {}", ended.said).into()),
    }
}
