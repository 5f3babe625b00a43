//! Fixtures: folders that say what a migration makes of items.
//!
//! A fixture has what is there before and what is expected afterwards:
//!
//! | file | what |
//! | --- | --- |
//! | `before.json`, `before.ndjson` | one item, or one a line, of the collection that the first step is fed |
//! | `COLLECTION.before.json`, `….ndjson` | items of another collection |
//! | `after.json`, `after.ndjson`, `COLLECTION.after.…` | the items that are left |
//! | `unchanged` | instead: everything stays as it is |
//! | `failed` | every item fails, with a reason that has this text |
//! | `failed.json`, `COLLECTION.failed.json` | an object: ids of items that fail, with such texts; what else is left is in `after` |
//!
//! A collection that has no `after` stays as it is.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::world::line;
use super::{Deviation, Failed, Trial, World, WorldError};
use crate::model::{Name, NameError};

/// A folder that says what a migration makes of items.
///
/// ```
/// use godwit::kit::Fixture;
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("before.json"), r#"{"title": "hello"}"#)?;
/// std::fs::write(folder.path().join("unchanged"), "")?;
/// let fixture = Fixture::read(folder.path(), &"notes".parse()?)?;
/// assert_eq!(fixture.before.len(), 1);
/// assert!(fixture.expected.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Fixture {
    /// Its folder.
    pub folder: PathBuf,
    /// What is there before.
    pub before: World,
    /// What is expected; `None`: nothing is said yet.
    pub expected: Option<Expected>,
}

/// What is expected of a migration.
///
/// ```
/// use godwit::kit::Fixture;
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("before.json"), r#"{"text": "hello"}"#)?;
/// std::fs::write(folder.path().join("failed"), "it has no title")?;
/// let fixture = Fixture::read(folder.path(), &"notes".parse()?)?;
/// let expected = fixture.expected.unwrap_or_default();
/// assert!(expected.after.is_empty());
/// assert!(expected.failed.values().all(|reason| reason == "it has no title"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expected {
    /// What is left, without the items that fail.
    pub after: World,
    /// The items that fail, with a part of the reason.
    pub failed: BTreeMap<(Name, String), String>,
}

/// A way in which a fixture cannot be read.
///
/// ```
/// use godwit::kit::{Fixture, FixtureError};
///
/// let folder = tempfile::tempdir()?;
/// let error = Fixture::read(folder.path(), &"notes".parse()?).unwrap_err();
/// assert!(matches!(error, FixtureError::NoBefore { .. }));
/// assert!(error.to_string().ends_with("has no before.json and no before.ndjson"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// Occurs when a file or folder cannot be read.
    #[error("{} cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Occurs when a file has no items.
    #[error("{}", file.display())]
    Items {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: WorldError,
    },
    /// Occurs when a collection's name in a file's name is none.
    #[error("{}", file.display())]
    Collection {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: NameError,
    },
    /// Occurs when `failed.json` is not an object of texts.
    #[error("{} is not an object that has a text for each id", file.display())]
    Failed {
        /// The file.
        file: PathBuf,
    },
    /// Occurs when a fixture has nothing to migrate.
    #[error("{} has no before.json and no before.ndjson", folder.display())]
    NoBefore {
        /// The folder.
        folder: PathBuf,
    },
    /// Occurs when the files of a fixture have no items to migrate.
    #[error("the `before` of {} has no items", folder.display())]
    EmptyBefore {
        /// The folder.
        folder: PathBuf,
    },
    /// Occurs when an item is to fail that is not there.
    #[error("{} is to fail in {}, but is not in its `before`", item, folder.display())]
    Stranger {
        /// The folder.
        folder: PathBuf,
        /// The item's collection and id.
        item: String,
    },
    /// Occurs when a file has a name that means nothing.
    #[error(
        "{} means nothing here: a fixture has before.json or before.ndjson, and after.json, after.ndjson, \
         `unchanged`, `failed` or failed.json", file.display()
    )]
    Unknown {
        /// The file.
        file: PathBuf,
    },
    /// Occurs when a fixture expects two things that exclude each other.
    #[error("{} expects two things: keep one of `after`, `unchanged` and `failed`", folder.display())]
    Contradiction {
        /// The folder.
        folder: PathBuf,
    },
    /// Occurs when a file cannot be written.
    #[error("{} cannot be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// What the files of a fixture say of afterwards.
type Said = (
    Option<World>,
    bool,
    Option<String>,
    Option<BTreeMap<(Name, String), String>>,
);

/// A file of a fixture, by what its name says.
enum Part {
    Before(Name),
    After(Name),
    Unchanged,
    Failed,
    FailedById(Name),
}

impl Fixture {
    /// Reads all fixtures of a folder, in order of their names. A folder that is not there has none.
    ///
    /// ```
    /// use godwit::kit::Fixture;
    ///
    /// let fixtures = tempfile::tempdir()?;
    /// let folder = fixtures.path().join("a-note");
    /// std::fs::create_dir(&folder)?;
    /// std::fs::write(folder.join("before.json"), r#"{"title": "hello"}"#)?;
    /// let all = Fixture::read_all(fixtures.path(), &"notes".parse()?)?;
    /// assert_eq!(all[0].name(), "a-note");
    /// assert_eq!(all[0].expected, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FixtureError`] when one of them cannot be read.
    pub fn read_all(folder: &Path, fed: &Name) -> Result<Vec<Self>, FixtureError> {
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut folders = Vec::new();
        for path in entries(folder)? {
            if path.is_dir() {
                folders.push(path);
            }
        }
        folders
            .iter()
            .map(|folder| Self::read(folder, fed))
            .collect()
    }

    /// Reads a fixture. `fed` is the collection whose items stand in `before` and `after`.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// # std::fs::write(folder.join("before.json"), r#"{"title": "hello"}"#)?;
    /// # std::fs::write(folder.join("unchanged"), "")?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// use godwit::kit::Fixture;
    ///
    /// // The folder has `before.json` and `unchanged`.
    /// let fixture = Fixture::read(folder, &notes)?;
    /// let expected = fixture.expected.unwrap_or_default();
    /// assert_eq!(expected.after, fixture.before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FixtureError`] when it cannot be read.
    pub fn read(folder: &Path, fed: &Name) -> Result<Self, FixtureError> {
        let (mut before, mut after) = (World::new(), None);
        let mut has_before = false;
        let (mut unchanged, mut failed, mut by_id) = (false, None, None);
        for file in entries(folder)? {
            match part(&file, fed)? {
                Part::Before(collection) => {
                    has_before = true;
                    read_items(&file, &collection, &mut before)?;
                }
                Part::After(collection) => {
                    read_items(&file, &collection, after.get_or_insert_with(World::new))?;
                }
                Part::Unchanged => unchanged = true,
                Part::Failed => failed = Some(read(&file)?.trim().to_owned()),
                Part::FailedById(collection) => {
                    by_id
                        .get_or_insert_with(BTreeMap::new)
                        .extend(reasons(&file, &collection)?);
                }
            }
        }
        if before.is_empty() {
            let folder = folder.to_owned();
            return Err(match has_before {
                true => FixtureError::EmptyBefore { folder },
                false => FixtureError::NoBefore { folder },
            });
        }
        let stranger = by_id.iter().flat_map(BTreeMap::keys);
        let stranger = stranger
            .into_iter()
            .find(|(collection, id)| before.body(collection, id).is_none());
        if let Some((collection, id)) = stranger {
            return Err(FixtureError::Stranger {
                folder: folder.to_owned(),
                item: format!("{collection}/{id}"),
            });
        }
        let said = (after, unchanged, failed, by_id);
        let expected = Self::expected(&before, fed, said).ok_or_else(|| {
            let folder = folder.to_owned();
            FixtureError::Contradiction { folder }
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            before,
            expected,
        })
    }

    /// What is expected by what the files besides `before` say: `after`, `unchanged`, `failed` and the items that fail
    /// one by one. Nothing if they contradict each other.
    fn expected(before: &World, fed: &Name, said: Said) -> Option<Option<Expected>> {
        let expected = match said {
            (None, false, None, None) => None,
            (None, true, None, None) => Some(Expected {
                after: before.clone(),
                ..Expected::default()
            }),
            (None, false, Some(reason), None) => {
                let fed = before.items().filter(|(collection, ..)| *collection == fed);
                let failed = fed.map(|(collection, id, _)| {
                    ((collection.clone(), id.to_owned()), reason.clone())
                });
                let failed = failed.collect();
                Some(Expected {
                    after: without(before, &failed),
                    failed,
                })
            }
            (after, false, None, failed) => {
                let failed = failed.unwrap_or_default();
                let mut left = before.clone();
                for (collection, items) in after.iter().flat_map(World::collections) {
                    *left.collection(collection) = items.clone();
                }
                Some(Expected {
                    after: without(&left, &failed),
                    failed,
                })
            }
            _ => return None,
        };
        Some(expected)
    }

    /// Its name: that of its folder.
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// What is wrong with what a migration made of it, in words; nothing if it is as expected.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// # std::fs::write(folder.join("before.json"), r#"{"title": "hello"}"#)?;
    /// # std::fs::write(folder.join("unchanged"), "")?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// use godwit::kit::{Fixture, Trial};
    ///
    /// // The folder has `before.json`, which is one item, and `unchanged`.
    /// let fixture = Fixture::read(folder, &notes)?;
    /// let trial = Trial { left: fixture.before.clone(), ..Trial::default() };
    /// assert!(fixture.judge(&trial).is_empty());
    /// assert_eq!(fixture.judge(&Trial::default()), ["notes/item is missing"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn judge(&self, trial: &Trial) -> Vec<String> {
        let Some(expected) = &self.expected else {
            let hint = "nothing says what is expected: add after.json, `unchanged` or `failed`, or let \
                        --update write what was found";
            return vec![hint.to_owned()];
        };
        let mut wrong = Vec::new();
        let mut failed = BTreeMap::new();
        for Failed {
            collection,
            id,
            kind,
            reason,
        } in &trial.failed
        {
            let said = format!("{kind}: {reason}");
            failed.insert((collection.clone(), id.clone()), String::new());
            match expected.failed.get(&(collection.clone(), id.clone())) {
                None => wrong.push(format!("{collection}/{id} failed ({said})")),
                Some(part) if !reason.contains(part.as_str()) => wrong.push(format!(
                    "{collection}/{id} failed for another reason ({said}), not: {part}"
                )),
                Some(_) => {}
            }
        }
        for ((collection, id), part) in &expected.failed {
            if !failed.contains_key(&(collection.clone(), id.clone())) {
                wrong.push(format!("{collection}/{id} was to fail: {part}"));
            }
        }
        failed.extend(expected.failed.clone());
        let left = without(&trial.left, &failed);
        let deviations = left.deviations(&without(&expected.after, &failed));
        wrong.extend(deviations.iter().map(Deviation::to_string));
        wrong
    }

    /// Writes what a migration made of it as what is expected from now on.
    ///
    /// ```
    /// use godwit::kit::{Fixture, Trial};
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("before.json"), r#"{"title": "hello"}"#)?;
    /// let fixture = Fixture::read(folder.path(), &notes)?;
    /// let trial = Trial { left: fixture.before.clone(), ..Trial::default() };
    /// fixture.update(&trial, &notes)?;
    /// assert!(folder.path().join("unchanged").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FixtureError::Write`] when a file cannot be written.
    pub fn update(&self, trial: &Trial, fed: &Name) -> Result<(), FixtureError> {
        for file in entries(&self.folder)? {
            if !matches!(part(&file, fed)?, Part::Before(_)) {
                std::fs::remove_file(&file).map_err(|error| FixtureError::Write { file, error })?;
            }
        }
        let failed = trial.failed.iter().map(|failed| {
            let place = (failed.collection.clone(), failed.id.clone());
            (
                place,
                failed.reason.lines().next().unwrap_or_default().to_owned(),
            )
        });
        let failed: BTreeMap<_, _> = failed.collect();
        if failed.is_empty() && trial.left.deviations(&self.before).is_empty() {
            return self.write("unchanged", "");
        }
        self.write_failed(&failed, trial, fed)?;
        let left = without(&trial.left, &failed);
        let before = without(&self.before, &failed);
        if left.deviations(&before).is_empty() {
            return Ok(());
        }
        let is_one = self.folder.join("before.json").exists();
        for (collection, items) in left.collections() {
            let prefix = prefix(collection, fed);
            let was_there = self
                .before
                .collections()
                .any(|(name, _)| name == collection);
            let is_as_before = before
                .collections()
                .any(|known| known == (collection, items));
            if is_as_before || items.is_empty() && !was_there {
                continue;
            }
            let bodies = items.values().map(|body| String::from_utf8_lossy(body));
            match (is_one, items.len()) {
                (true, 1) if collection == fed => {
                    let pretty = bodies.map(|body| pretty(&body)).collect::<String>();
                    self.write(&format!("{prefix}after.json"), &pretty)?;
                }
                _ => {
                    let ids = items.keys();
                    let lines = ids.zip(bodies).map(|(id, body)| line(id, &body));
                    let lines: String = lines.collect();
                    self.write(&format!("{prefix}after.ndjson"), &lines)?;
                }
            }
        }
        Ok(())
    }

    /// Writes which items fail: one text where all do for the same reason, otherwise each with its own.
    fn write_failed(
        &self,
        failed: &BTreeMap<(Name, String), String>,
        trial: &Trial,
        fed: &Name,
    ) -> Result<(), FixtureError> {
        let mut reasons = failed.values();
        let Some(first) = reasons.next() else {
            return Ok(());
        };
        let items = self
            .before
            .items()
            .filter(|(collection, ..)| *collection == fed);
        let all = items.count();
        let is_one = failed.len() == all && reasons.all(|reason| reason == first);
        let others = without(&trial.left, failed);
        if is_one && others.deviations(&without(&self.before, failed)).is_empty() {
            return self.write("failed", &format!("{first}\n"));
        }
        let mut by_collection: BTreeMap<&Name, serde_json::Map<String, Value>> = BTreeMap::new();
        for ((collection, id), reason) in failed {
            let reasons = by_collection.entry(collection).or_default();
            reasons.insert(id.clone(), reason.clone().into());
        }
        for (collection, reasons) in by_collection {
            let prefix = prefix(collection, fed);
            let reasons = Value::Object(reasons);
            self.write(&format!("{prefix}failed.json"), &format!("{reasons:#}\n"))?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), FixtureError> {
        let file = self.folder.join(name);
        std::fs::write(&file, text).map_err(|error| FixtureError::Write { file, error })
    }
}

/// What the names of a collection's files begin with.
fn prefix(collection: &Name, fed: &Name) -> String {
    if collection == fed {
        String::new()
    } else {
        format!("{collection}.")
    }
}

fn pretty(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(body) => format!("{body:#}\n"),
        Err(_) => body.to_owned(),
    }
}

/// A world without the items that fail.
fn without(world: &World, failed: &BTreeMap<(Name, String), String>) -> World {
    let places = failed.keys();
    world.without(places.map(|(collection, id)| (collection, id.as_str())))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, FixtureError> {
    let cannot = |error| FixtureError::Read {
        file: folder.to_owned(),
        error,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn part(file: &Path, fed: &Name) -> Result<Part, FixtureError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    match &*name {
        "unchanged" => return Ok(Part::Unchanged),
        "failed" => return Ok(Part::Failed),
        _ => {}
    }
    let stem = name
        .strip_suffix(".json")
        .or_else(|| name.strip_suffix(".ndjson"));
    let unknown = || FixtureError::Unknown {
        file: file.to_owned(),
    };
    let stem = stem.ok_or_else(unknown)?;
    let collection = |prefix: &str| match prefix.strip_suffix('.') {
        Some(collection) => collection
            .parse()
            .map_err(|error| FixtureError::Collection {
                file: file.to_owned(),
                error,
            }),
        None if prefix.is_empty() => Ok(fed.clone()),
        None => Err(unknown()),
    };
    if let Some(prefix) = stem.strip_suffix("before") {
        return Ok(Part::Before(collection(prefix)?));
    }
    if let Some(prefix) = stem.strip_suffix("failed") {
        return Ok(Part::FailedById(collection(prefix)?));
    }
    let prefix = stem.strip_suffix("after").ok_or_else(unknown)?;
    Ok(Part::After(collection(prefix)?))
}

fn read(file: &Path) -> Result<String, FixtureError> {
    std::fs::read_to_string(file).map_err(|error| FixtureError::Read {
        file: file.to_owned(),
        error,
    })
}

fn read_items(file: &Path, collection: &Name, world: &mut World) -> Result<(), FixtureError> {
    let text = read(file)?;
    let is_lines = file
        .extension()
        .is_some_and(|extension| extension == "ndjson");
    let items = if is_lines {
        world.read_ndjson(collection, &text)
    } else {
        world.read_json(collection, "item", &text)
    };
    items.map_err(|error| FixtureError::Items {
        file: file.to_owned(),
        error,
    })
}

fn reasons(file: &Path, fed: &Name) -> Result<BTreeMap<(Name, String), String>, FixtureError> {
    let malformed = || FixtureError::Failed {
        file: file.to_owned(),
    };
    let reasons: BTreeMap<String, String> =
        serde_json::from_str(&read(file)?).map_err(|_| malformed())?;
    let placed = reasons.into_iter();
    Ok(placed
        .map(|(id, reason)| ((fed.clone(), id), reason))
        .collect())
}
