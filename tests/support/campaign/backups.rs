//! The campaign of kills against backups: `backup create` and `backup restore`, killed at random moments.
//!
//! A store was imported, backed up, and migrated. From a copy of it each cycle makes a backup and restores the older one. A
//! killed `create` leaves no file that is not whole; a killed `restore` leaves all of the old store or all of the restored
//! one; the same command goes on until it has done everything. What the stores hold is compared byte for byte.

use std::path::{Path, PathBuf};
use std::time::Instant;

use godwit::store::Backup;
use tempfile::TempDir;

use super::godwit::Godwit;
use super::kills::Settings;
use super::orders::Target;
use super::process::{Ended, Moment};
use super::score::{Kind, Score};
use super::stores::Stores;
use super::{Documents, Outcome, Result};
use crate::store_conformance::Dice;

/// A command that is killed.
#[derive(Debug, Clone, Copy)]
enum Verb {
    Create,
    Restore,
}

struct Campaign {
    settings: Settings,
    folder: PathBuf,
    stores: Stores,
    godwit: Godwit,
    imported: Outcome,
    migrated: Outcome,
    /// What is known of each command.
    targets: [Target; 2],
    dice: Dice,
    score: Score,
}

/// Carries out a campaign, until each command was killed so often; `say` is told from time to time how far it is.
///
/// # Errors
/// When it cannot be carried out. What was found wrong is part of the score.
pub fn campaign(settings: Settings, say: &mut dyn FnMut(&str)) -> Result<Score> {
    let folder = TempDir::with_prefix("godwit-backups-")?;
    let mut campaign = Campaign::prepare(settings, folder.path().to_owned())?;
    let start = Instant::now();
    while campaign
        .targets
        .iter()
        .any(|target| target.killed() < campaign.settings.kills)
    {
        campaign.cycle()?;
    }
    let Campaign {
        score,
        settings,
        stores,
        targets,
        ..
    } = campaign;
    let [created, restored] = targets.map(|target| target.killed());
    say(&format!(
        "{}: {} kills (backup create {created}, backup restore {restored}) in {} cycles, {} s, {} violations",
        settings.scheme,
        score.counted("kills"),
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
        let godwit = Godwit::copy_to(&folder, &["append-2-0-0", "append-3-0-0"])?;
        let documents = Documents {
            seed: settings.seed,
            count: settings.items,
        };
        std::fs::write(folder.join("documents.ndjson"), documents.lines())?;
        let mut this = Self {
            dice: Dice::new(settings.seed),
            stores: Stores::new(&settings.scheme, &folder),
            settings,
            folder,
            godwit,
            imported: Outcome::default(),
            migrated: Outcome::default(),
            targets: Default::default(),
            score: Score::default(),
        };
        let documents = this.folder.join("documents.ndjson").display().to_string();
        let old = this.folder.join("old.godwit").display().to_string();
        let import = "import --app append --collection items --version 1.0.0";
        let import: Vec<_> = import.split(' ').chain([&*documents]).collect();
        this.stores.make_room("base");
        this.must("base", &import, 0)?;
        this.imported = this.outcome("base")?;
        this.targets[Verb::Create as usize] =
            Target::of(&this.must("base", &["backup", "create", &old], 0)?);
        this.must("base", &["up", "--max-failures", "1000"], 4)?;
        this.migrated = this.outcome("base")?;
        this.stores.copy("base", "other")?;
        this.targets[Verb::Restore as usize] =
            Target::of(&this.must("other", &["backup", "restore", &old], 0)?);
        match this.outcome("other")?.compare(&this.imported).first() {
            Some(first) => Err(format!("an undisturbed restore is wrong already: {first}").into()),
            None => Ok(this),
        }
    }

    fn must(&self, store: &str, arguments: &[&str], code: i32) -> Result<Ended> {
        let url = self.stores.url(store);
        let ended = self.godwit.run(&url, arguments, Moment::Never)?;
        match ended.code {
            Some(found) if found == code => Ok(ended),
            found => Err(format!("{arguments:?} ended with {found:?}: {}", ended.said).into()),
        }
    }

    fn cycle(&mut self) -> Result<()> {
        self.score.count("cycles");
        let cycle = format!("cycle-{}", self.score.counted("cycles"));
        let folder = self.folder.join(&cycle);
        let before = self.score.violations.len();
        std::fs::create_dir_all(&folder)?;
        let store = format!("{cycle}/store");
        self.stores.copy("base", &store)?;
        if self.back_up(&store, &folder.join("new.godwit"))? {
            self.restore(&store)?;
        }
        if self.score.violations.len() == before && !self.settings.keep {
            self.stores.remove(&cycle)?;
        }
        Ok(())
    }

    /// Makes a backup, however often that is killed.
    fn back_up(&mut self, store: &str, file: &Path) -> Result<bool> {
        let name = file.display().to_string();
        let is_whole = |file: &Path| {
            let read = Backup::open(file);
            read.and_then(|backup| backup.verify(&mut |_| std::ops::ControlFlow::Continue(())))
        };
        let create = ["backup", "create", &name];
        let done = self.insist(Verb::Create, store, &create, &mut |this| {
            if !file.exists() {
                return Ok(false);
            }
            if let Err(error) = is_whole(file) {
                let what = format!("{name}: {error}");
                this.score.violations.push(Kind::Lost.because(what));
            }
            // It was killed when all was done: the same command would find the file.
            Ok(true)
        })?;
        if done && let Err(error) = is_whole(file) {
            self.score
                .violations
                .push(Kind::Lost.because(format!("{name}: {error}")));
        }
        let copy = format!("{store}-copy");
        self.stores.make_room(&copy);
        let (url, restore) = (self.stores.url(&copy), ["backup", "restore", &name]);
        let restored = self.godwit.run(&url, &restore, Moment::Never)?;
        if restored.code != Some(0) {
            let what = format!("{name} cannot be restored: {}", restored.said);
            self.score.violations.push(Kind::Lost.because(what));
            return Ok(false);
        }
        let found = self.outcome(&copy)?.compare(&self.migrated);
        self.score.violations.extend(found);
        Ok(done)
    }

    /// Restores the older backup, however often that is killed.
    fn restore(&mut self, store: &str) -> Result<()> {
        let old = self.folder.join("old.godwit").display().to_string();
        let place = store.to_owned();
        let restore = ["backup", "restore", &old];
        self.insist(Verb::Restore, store, &restore, &mut |this| {
            this.score.count("looks");
            let found = this.outcome(&place)?;
            let is_either = found.compare(&this.imported).is_empty()
                || found.compare(&this.migrated).is_empty();
            if !is_either {
                let what = format!("{place} is neither the old store nor the restored one");
                this.score.violations.push(Kind::Different.because(what));
            }
            Ok(false)
        })?;
        let found = self.outcome(store)?.compare(&self.imported);
        self.score.violations.extend(found);
        let drafts = self.stores.drafts(store);
        if !drafts.is_empty() {
            let what = format!("{store}: {} are left", drafts.join(", "));
            self.score.violations.push(Kind::Different.because(what));
        }
        Ok(())
    }

    /// Gives a command until it has done everything; `look` is told of each kill, and whether all was done before.
    fn insist(
        &mut self,
        verb: Verb,
        store: &str,
        arguments: &[&str],
        look: &mut dyn FnMut(&mut Self) -> Result<bool>,
    ) -> Result<bool> {
        for attempt in 0.. {
            let target = &mut self.targets[verb as usize];
            let moment = target.moment(attempt, self.settings.kills, &mut self.dice);
            let url = self.stores.url(store);
            let ended = self.godwit.run(&url, arguments, moment)?;
            self.targets[verb as usize].ended(attempt, &ended);
            match ended.code {
                None => {
                    self.score.count("kills");
                    if look(self)? {
                        return Ok(true);
                    }
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

    fn outcome(&self, store: &str) -> Result<Outcome> {
        Outcome::read(self.stores.open(store)?.backend())
    }
}
