//! The campaign of kills: the real command line, killed at random moments, again and again.
//!
//! One migration of two versions is carried out once without disturbance: `up`, which ends with
//! items in quarantine, `quarantine accept`, `up` again, and `undo` on a copy. What the store holds
//! after each, byte for byte but for times, is the oracle; it is kept outside of every store, and is
//! itself checked against what the documents say of themselves. Then each cycle starts from a copy
//! of the imported store, gives the same commands, kills most of them at a random moment (while they
//! start, work or end), and gives the command again at once, until it succeeds. Exit codes alone
//! decide what is given next: no command is one that an undisturbed user would not have given.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::boundary;
use super::godwit::Godwit;
use super::orders::{Order, Target};
use super::process::{Ended, Moment};
use super::score::{Kind, Score, Violation};
use super::stores::Stores;
use super::{Documents, Outcome, Result};
use crate::store_conformance::Dice;

/// How often the campaign says how far it is.
const SAY: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The kind of store: one of [`KINDS`](super::stores::KINDS).
    pub scheme: String,
    /// How many kills of each long command there are to be.
    pub kills: u64,
    /// What everything random is drawn from.
    pub seed: u64,
    /// How many documents are migrated.
    pub items: usize,
    /// Bytes of documents in a batch.
    pub batch_bytes: u32,
    /// Whether the folder with the stores stays.
    pub keep: bool,
}

/// What an undisturbed user's store holds.
struct Expected {
    imported: Outcome,
    migrated: Outcome,
    undone: Outcome,
}

/// A campaign under way.
struct Campaign {
    settings: Settings,
    folder: PathBuf,
    stores: Stores,
    godwit: Godwit,
    documents: Documents,
    expected: Expected,
    /// What is known of each order.
    targets: [Target; Order::ALL.len()],
    dice: Dice,
    score: Score,
    cycle: u64,
}

/// Carries out a campaign; `say` is told from time to time how far it is.
///
/// # Errors
/// When it cannot be carried out. What was found wrong is part of the score.
pub fn campaign(settings: Settings, say: &mut dyn FnMut(&str)) -> Result<Score> {
    let folder = TempDir::with_prefix("godwit-kills-")?;
    let mut campaign = Campaign::prepare(settings, folder.path().to_owned())?;
    say(&campaign.describe());
    let (start, mut said) = (Instant::now(), Instant::now());
    while campaign.least() < campaign.settings.kills {
        campaign.cycle()?;
        if said.elapsed() >= SAY {
            said = Instant::now();
            say(&campaign.progress(start));
        }
    }
    say(&campaign.progress(start));
    say(&campaign.killed());
    let Campaign {
        score,
        settings,
        stores,
        ..
    } = campaign;
    if settings.keep || !score.is_clean() {
        say(&format!(
            "the stores are kept in {}",
            stores.keep(folder).display()
        ));
    }
    Ok(score)
}

impl Campaign {
    fn prepare(settings: Settings, folder: PathBuf) -> Result<Self> {
        let guests = ["append-2-0-0", "append-3-0-0"];
        let godwit = Godwit::copy_to(&folder, &guests)?;
        let documents = Documents {
            seed: settings.seed,
            count: settings.items,
        };
        std::fs::write(folder.join("documents.ndjson"), documents.lines())?;
        let nothing = || Outcome::default();
        let mut this = Self {
            dice: Dice::new(settings.seed),
            stores: Stores::new(&settings.scheme, &folder),
            settings,
            folder,
            godwit,
            documents,
            expected: Expected {
                imported: nothing(),
                migrated: nothing(),
                undone: nothing(),
            },
            targets: Default::default(),
            score: Score::default(),
            cycle: 0,
        };
        this.rehearse()?;
        Ok(this)
    }

    /// Goes through everything once without disturbance.
    fn rehearse(&mut self) -> Result<()> {
        let mut outcomes = Vec::new();
        self.stores.make_room("base");
        for order in Order::ALL {
            let ended = self.give(order, "base", Moment::Never)?;
            if ended.code != Some(order.code()) {
                return Err(
                    format!("{order:?} ended with {:?}: {}", ended.code, ended.said).into(),
                );
            }
            self.targets[order as usize] = Target::of(&ended);
            if matches!(order, Order::Import | Order::UpAgain | Order::Undo) {
                outcomes.push(self.outcome("base")?);
            }
            if order == Order::Import {
                self.stores.copy("base", "imported")?;
            } else if order != Order::Undo {
                self.refuse(self.look("base")?)?;
            }
        }
        let [imported, migrated, undone] = outcomes.try_into().expect("there are three");
        self.refuse(undone.content().compare(&imported.content()))?;
        if undone.pre_images() > 0 {
            return Err("an undisturbed undo leaves pre-images".into());
        }
        self.expected = Expected {
            imported,
            migrated,
            undone,
        };
        Ok(())
    }

    fn refuse(&self, violations: Vec<Violation>) -> Result<()> {
        match violations.first() {
            Some(first) => Err(format!("an undisturbed run is wrong already: {first}").into()),
            None => Ok(()),
        }
    }

    fn describe(&self) -> String {
        let paces =
            Order::ALL.map(|order| format!("{order:?} {}", self.targets[order as usize].pace()));
        let Settings {
            scheme,
            items,
            seed,
            ..
        } = &self.settings;
        format!(
            "{scheme}: {items} items, seed {seed}; undisturbed: {}",
            paces.join(", ")
        )
    }

    fn killed(&self) -> String {
        let killed = Order::ALL.map(|order| format!("{order:?} {}", self.killed_of(order)));
        format!("killed: {}", killed.join(", "))
    }

    /// How often that of the long commands was killed that was killed least.
    fn least(&self) -> u64 {
        let long = [Order::Import, Order::Up, Order::Undo];
        let killed = long.map(|order| self.killed_of(order));
        killed.into_iter().min().unwrap_or_default()
    }

    fn killed_of(&self, order: Order) -> u64 {
        self.targets[order as usize].killed()
    }

    fn progress(&self, start: Instant) -> String {
        format!(
            "{}: {} kills; of imports, runs and undos at least {} of {}; {} cycles, {} s, {} violations",
            self.settings.scheme,
            self.score.counted("kills"),
            self.least(),
            self.settings.kills,
            self.cycle,
            start.elapsed().as_secs(),
            self.score.violations.len()
        )
    }

    /// From an imported store, or none at all, to a migrated one and sometimes back.
    fn cycle(&mut self) -> Result<()> {
        self.cycle += 1;
        self.score.count("cycles");
        let store = format!("cycle-{}", self.cycle);
        let before = self.score.violations.len();
        self.orders(&store)?;
        let found = self.score.violations.len() > before;
        if !found && !self.settings.keep {
            self.stores.remove(&store)?;
        }
        Ok(())
    }

    fn orders(&mut self, store: &str) -> Result<()> {
        let is_enough = self.killed_of(Order::Import) >= self.settings.kills;
        if !is_enough && self.dice.below(4) > 0 {
            self.stores.make_room(store);
            if !self.insist(Order::Import, store)? || !self.compare(store, |e| &e.imported)? {
                return Ok(());
            }
        } else {
            self.stores.copy("imported", store)?;
        }
        for order in [Order::Up, Order::Accept, Order::UpAgain] {
            if !self.insist(order, store)? {
                return Ok(());
            }
        }
        if !self.compare(store, |expected| &expected.migrated)? {
            return Ok(());
        }
        self.next_command(store)?;
        if self.dice.below(4) > 0 && self.insist(Order::Undo, store)? {
            self.score.count("undone");
            self.compare(store, |expected| &expected.undone)?;
        }
        Ok(())
    }

    /// Gives a command until it has done everything, however often it is killed.
    fn insist(&mut self, order: Order, store: &str) -> Result<bool> {
        for attempt in 0.. {
            let target = &mut self.targets[order as usize];
            let moment = target.moment(attempt, self.settings.kills, &mut self.dice);
            let ended = self.give(order, store, moment)?;
            self.targets[order as usize].ended(attempt, &ended);
            match ended.code {
                None => {
                    self.score.count("kills");
                    self.look_now_and_then(order, store)?;
                }
                Some(code) if code == order.code() => return Ok(true),
                Some(code) => {
                    let kind = Kind::of_exit(code);
                    let what = format!("{store}: {order:?} ended with {code}: {}", ended.said);
                    self.score.violations.push(kind.because(what));
                    return Ok(false);
                }
            }
        }
        unreachable!("a command that is left alone ends")
    }

    fn give(&self, order: Order, store: &str, moment: Moment) -> Result<Ended> {
        let batch_bytes = self.settings.batch_bytes.to_string();
        let documents = self.folder.join("documents.ndjson");
        let arguments = order.arguments(&documents.to_string_lossy(), &batch_bytes);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.godwit.run(&self.stores.url(store), &arguments, moment)
    }

    /// The command after the last one: nothing may be in its way.
    fn next_command(&mut self, store: &str) -> Result<()> {
        let url = self.stores.url(store);
        let ended = self.godwit.run(&url, &["status"], Moment::Never)?;
        if ended.code != Some(0) {
            let what = format!(
                "{store}: status ended with {:?}: {}",
                ended.code, ended.said
            );
            self.score
                .violations
                .push(Kind::ManualCommand.because(what));
        }
        Ok(())
    }

    /// Looks at what a kill left, in a share of the cases: mostly the next command is given at once.
    fn look_now_and_then(&mut self, order: Order, store: &str) -> Result<()> {
        let is_run = matches!(order, Order::Up | Order::Accept | Order::UpAgain);
        if is_run && self.dice.below(4) == 0 {
            self.score.count("looks");
            let found = self.look(store)?;
            self.note(store, found);
        }
        Ok(())
    }

    fn look(&self, store: &str) -> Result<Vec<Violation>> {
        match self.stores.open(store) {
            Ok(store) => boundary::check(&store, &self.documents, [0, 0]),
            Err(error) => Ok(vec![Kind::Unopenable.because(error.to_string())]),
        }
    }

    fn outcome(&self, store: &str) -> Result<Outcome> {
        Outcome::read(self.stores.open(store)?.backend())
    }

    fn compare(&mut self, store: &str, expected: fn(&Expected) -> &Outcome) -> Result<bool> {
        let found = match self.outcome(store) {
            Ok(outcome) => outcome.compare(expected(&self.expected)),
            Err(error) => vec![Kind::Unopenable.because(error.to_string())],
        };
        let is_equal = found.is_empty();
        self.note(store, found);
        Ok(is_equal)
    }

    fn note(&mut self, store: &str, found: Vec<Violation>) {
        let named = found
            .into_iter()
            .map(|Violation { kind, what }| kind.because(format!("{store}: {what}")));
        self.score.violations.extend(named);
    }
}
