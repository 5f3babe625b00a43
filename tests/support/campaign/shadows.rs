//! The campaign of kills against shadow runs: `up --shadow`, `put`, `finalize`, `reset`, and the two ways back.
//!
//! From a copy of an imported store each cycle begins a shadow run, writes items as an application does, and finalizes or
//! resets it. Every command is killed at a random moment and given again. After each kill what is live is looked at: it is
//! all of the old, or all of the new, and never some of both. In the end it is what an undisturbed run makes of the same
//! items; undone, or brought down, it is what the application wrote.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use godwit::catalogue::Catalogue;
use serde_json::json;
use tempfile::TempDir;

use super::godwit::Godwit;
use super::kills::Settings;
use super::orders::Target;
use super::process::{Ended, Moment};
use super::score::{Kind, Score};
use super::stores::Stores;
use super::{Documents, Result};
use crate::made::{Order, made_for, rewrite};
use crate::store_conformance::Dice;
use crate::world::{self, ENGINE};

/// A guest that can be made to order and has a way back.
const GUEST: &str = "both-ways-2-0-0";
const COLLECTION: &str = "items";

/// A command that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    UpShadow,
    Put,
    Finalize,
    Reset,
    Undo,
    Down,
    UndoDown,
}

impl Verb {
    const ALL: [Self; 7] = [
        Self::UpShadow,
        Self::Put,
        Self::Finalize,
        Self::Reset,
        Self::Undo,
        Self::Down,
        Self::UndoDown,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::UpShadow => "up --shadow",
            Self::Put => "put",
            Self::Finalize => "finalize",
            Self::Reset => "reset",
            Self::Undo => "undo",
            Self::Down => "down",
            Self::UndoDown => "undo of down",
        }
    }
}

/// What the application has, as lines by id.
type Content = Vec<String>;

struct Campaign {
    settings: Settings,
    folder: PathBuf,
    stores: Stores,
    godwit: Godwit,
    catalogue: Arc<Catalogue>,
    imported: Vec<(String, String)>,
    targets: [Target; Verb::ALL.len()],
    dice: Dice,
    score: Score,
}

/// Carries out a campaign, until each command was killed so often; `say` is told from time to time how far it is.
///
/// # Errors
/// When it cannot be carried out. What was found wrong is part of the score.
pub fn campaign(settings: Settings, say: &mut dyn FnMut(&str)) -> Result<Score> {
    let folder = TempDir::with_prefix("godwit-shadows-")?;
    let mut campaign = Campaign::prepare(settings, folder.path().to_owned())?;
    let start = Instant::now();
    while campaign
        .targets
        .iter()
        .any(|target| target.killed() < campaign.settings.kills)
    {
        campaign.cycle()?;
    }
    let killed = Verb::ALL.map(|verb| {
        format!(
            "{} {}",
            verb.name(),
            campaign.targets[verb as usize].killed()
        )
    });
    let Campaign {
        score,
        settings,
        stores,
        ..
    } = campaign;
    say(&format!(
        "{}: {} kills ({}) in {} cycles, {} s, {} violations",
        settings.scheme,
        score.counted("kills"),
        killed.join(", "),
        score.counted("cycles"),
        start.elapsed().as_secs(),
        score.violations.len()
    ));
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
        let godwit = Godwit::copy_to(&folder, &[])?;
        let orders = ["2.0.0", "3.0.0"]
            .map(|version| Order::new("made", version).step(rewrite("apply", COLLECTION)));
        for (number, order) in orders.iter().enumerate() {
            let file = godwit.plugins().join(format!("made-{number}.wasm"));
            std::fs::write(file, order.file(GUEST))?;
        }
        let documents = Documents {
            seed: settings.seed,
            count: settings.items,
        };
        let imported = (0..settings.items).map(|number| {
            let text = "a document like many others ".repeat(1 + number % 30);
            let id = Documents::id(number);
            let body = json!({"_id": id, "n": number, "text": text}).to_string();
            (id, body)
        });
        let imported: Vec<_> = imported.collect();
        let lines: String = imported
            .iter()
            .map(|(_, body)| format!("{body}\n"))
            .collect();
        std::fs::write(folder.join("documents.ndjson"), lines)?;
        let mut this = Self {
            dice: Dice::new(documents.seed),
            stores: Stores::new(&settings.scheme, &folder),
            settings,
            folder,
            godwit,
            catalogue: made_for(&ENGINE, GUEST, &orders),
            imported,
            targets: Default::default(),
            score: Score::default(),
        };
        this.rehearse()?;
        Ok(this)
    }

    /// Gives each command once without disturbance.
    fn rehearse(&mut self) -> Result<()> {
        let documents = self.folder.join("documents.ndjson").display().to_string();
        let import = format!("import --app made --collection {COLLECTION} --version 1.0.0");
        let import: Vec<_> = import.split(' ').chain([&*documents]).collect();
        self.stores.make_room("base");
        self.must("base", &import)?;
        self.stores.copy("base", "trial")?;
        for verb in [
            Verb::UpShadow,
            Verb::Put,
            Verb::Finalize,
            Verb::Down,
            Verb::UndoDown,
            Verb::Undo,
            Verb::UpShadow,
            Verb::Reset,
        ] {
            let arguments = self.arguments(verb, &self.imported[0].clone())?;
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            self.targets[verb as usize] = Target::of(&self.must("trial", &arguments)?);
        }
        Ok(())
    }

    fn must(&self, store: &str, arguments: &[&str]) -> Result<Ended> {
        let url = self.stores.url(store);
        let ended = self.godwit.run(&url, arguments, Moment::Never)?;
        match ended.code {
            Some(0) => Ok(ended),
            found => Err(format!("{arguments:?} ended with {found:?}: {}", ended.said).into()),
        }
    }

    /// What is typed; an item is put from a file that this writes.
    fn arguments(&self, verb: Verb, (id, body): &(String, String)) -> Result<Vec<String>> {
        let batch = self.settings.batch_bytes;
        let typed = match verb {
            Verb::UpShadow => format!("up --shadow --batch-bytes {batch}"),
            Verb::Put => {
                let file = self.folder.join("document.json");
                std::fs::write(&file, body)?;
                let file = file.display();
                format!("put {COLLECTION} {id} --version 1.0.0 {file}")
            }
            Verb::Finalize => format!("finalize --batch-bytes {batch}"),
            Verb::Reset => "reset".to_owned(),
            Verb::Undo => "undo 1".to_owned(),
            Verb::UndoDown => "undo 2".to_owned(),
            Verb::Down => format!("down --to 1.0.0 --batch-bytes {batch}"),
        };
        Ok(typed.split(' ').map(str::to_owned).collect())
    }

    fn cycle(&mut self) -> Result<()> {
        self.score.count("cycles");
        let store = format!("cycle-{}", self.score.counted("cycles"));
        let before = self.score.violations.len();
        self.stores.copy("base", &store)?;
        let mut items = self.imported.clone();
        self.way(&store, &mut items)?;
        if self.score.violations.len() == before && !self.settings.keep {
            self.stores.remove(&store)?;
        }
        Ok(())
    }

    /// A shadow run to one of its ends.
    fn way(&mut self, store: &str, items: &mut [(String, String)]) -> Result<()> {
        let old = lines(items, "1.0.0");
        if !self.insist(Verb::UpShadow, store, &items[0].clone(), &[&old])? {
            return Ok(());
        }
        let place = self.dice.below(items.len());
        let number = self.dice.below(1_000);
        let before = lines(items, "1.0.0");
        items[place].1 = json!({"_id": items[place].0, "written": number}).to_string();
        let after = lines(items, "1.0.0");
        if !self.insist(Verb::Put, store, &items[place].clone(), &[&before, &after])? {
            return Ok(());
        }
        let old = after;
        if self.dice.below(5) < 2 {
            let is_done = self.insist(Verb::Reset, store, &items[0].clone(), &[&old])?;
            return if is_done {
                self.expect(store, &old)
            } else {
                Ok(())
            };
        }
        let new = self.migrated(items);
        if !self.insist(Verb::Finalize, store, &items[0].clone(), &[&old, &new])? {
            return Ok(());
        }
        self.expect(store, &new)?;
        if self.dice.below(3) == 0 {
            let is_done = self.insist(Verb::Undo, store, &items[0].clone(), &[])?;
            return if is_done {
                self.expect(store, &old)
            } else {
                Ok(())
            };
        }
        if !self.insist(Verb::Down, store, &items[0].clone(), &[])? {
            return Ok(());
        }
        self.expect(store, &old)?;
        if self.insist(Verb::UndoDown, store, &items[0].clone(), &[])? {
            self.expect(store, &new)?;
        }
        Ok(())
    }

    /// What an undisturbed run makes of the items.
    fn migrated(&self, items: &[(String, String)]) -> Content {
        let host = world::memory_host(&self.catalogue);
        world::seed(&host, "made", COLLECTION, items);
        world::up(&host);
        world::items(host.store(), COLLECTION)
    }

    /// Gives a command until it has done everything; what is live after each kill is one of `either`, where there is any.
    fn insist(
        &mut self,
        verb: Verb,
        store: &str,
        item: &(String, String),
        either: &[&Content],
    ) -> Result<bool> {
        let arguments = self.arguments(verb, item)?;
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        for attempt in 0.. {
            let target = &mut self.targets[verb as usize];
            let moment = target.moment(attempt, self.settings.kills, &mut self.dice);
            let url = self.stores.url(store);
            let ended = self.godwit.run(&url, &arguments, moment)?;
            self.targets[verb as usize].ended(attempt, &ended);
            match ended.code {
                None => {
                    self.score.count("kills");
                    let store_now = self.stores.open(store)?;
                    let is_over = verb == Verb::Finalize
                        && store_now.shadow()?.is_none()
                        && either.last() == Some(&&world::items(&store_now, COLLECTION));
                    if is_over {
                        // It was killed when all was done: the same command would find no shadow run.
                        return Ok(true);
                    }
                    drop(store_now);
                    self.look(store, either)?;
                }
                Some(0) => return Ok(true),
                Some(code) => {
                    let kind = Kind::of_exit(code);
                    let what = format!("{store}: {arguments:?} ended with {code}: {}", ended.said);
                    self.score.violations.push(kind.because(what));
                    return Ok(false);
                }
            }
        }
        unreachable!("a command that is left alone ends")
    }

    fn look(&mut self, store: &str, either: &[&Content]) -> Result<()> {
        if either.is_empty() {
            return Ok(());
        }
        self.score.count("looks");
        let found = self.content(store)?;
        if !either.contains(&&found) {
            let what = format!("{store}: what is live is neither all old nor all new");
            self.score.violations.push(Kind::Different.because(what));
        }
        Ok(())
    }

    fn expect(&mut self, store: &str, expected: &Content) -> Result<()> {
        let found = self.content(store)?;
        let other = found
            .iter()
            .zip(expected)
            .find(|(found, expected)| found != expected);
        let what = match other {
            Some((found, expected)) => format!("{store}: {found} instead of {expected}"),
            None if found.len() != expected.len() => {
                format!(
                    "{store}: {} items instead of {}",
                    found.len(),
                    expected.len()
                )
            }
            None => return Ok(()),
        };
        self.score.violations.push(Kind::Different.because(what));
        Ok(())
    }

    fn content(&self, store: &str) -> Result<Content> {
        Ok(world::items(&self.stores.open(store)?, COLLECTION))
    }
}

fn lines(items: &[(String, String)], version: &str) -> Content {
    let line = |(id, body): &(String, String)| format!("{id} {version} {body}");
    items.iter().map(line).collect()
}
