//! What items go through that are older than they should be, one by one: on their way into a collection, or while they are read.

use crate::model::{Digest, Migration, Mode, Name, Phase, Step, StepWork, Version};

use super::backlog::check_drift;
use super::due::phases;
use super::findings::Findings;
use super::lines::{Line, Lines};
use super::{Drift, Policy, Recorded, Severity};

/// The way of items up to a version: the steps that lead there, and what is in their way.
///
/// It is what `up` would have them go through, as far as that can be done to items outside of a run: by rewrite steps that
/// see nothing else.
///
/// ```
/// use godwit::model::{Name, Version};
/// use godwit::plan::{Errand, Policy, Recorded, WayIn, way_in};
///
/// let (notes, one): (Name, Version) = ("notes".parse()?, "1.0.0".parse()?);
/// let (recorded, policy) = (Recorded::default(), Policy::default());
/// let goal = (&notes, &notes, &one);
/// let way = way_in(&[], &recorded, Errand::Read, goal, &policy);
/// // No migration leads there, and nothing is in the way.
/// assert_eq!(way, WayIn::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WayIn {
    /// The versions on the way whose migrations are there, in order.
    pub versions: Vec<Version>,
    /// Their steps that rewrite the collection, in order.
    pub steps: Vec<WayInStep>,
    /// The migrations that items cannot go through, in order of their versions, one for each.
    pub hurdles: Vec<Hurdle>,
}

/// A step on the way.
///
/// ```
/// use godwit::model::{Digest, Version};
/// use godwit::plan::WayInStep;
///
/// let step = WayInStep {
///     version: Version::new(2, 0, 0),
///     from: Some(Version::new(1, 0, 0)),
///     digest: Digest::of(b"the file"),
///     name: "fill".parse()?,
/// };
/// assert!(step.from.as_ref() < Some(&step.version));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayInStep {
    /// The version that it leads to.
    pub version: Version,
    /// The version that the app had before it.
    pub from: Option<Version>,
    /// The digest of its migration.
    pub digest: Digest,
    /// Its name.
    pub name: Name,
}

/// A migration that items cannot go through.
///
/// ```
/// use godwit::model::{Applied, Name, Version};
/// use godwit::plan::{Errand, Policy, Recorded, way_in};
///
/// let (notes, two): (Name, Version) = ("notes".parse()?, "2.0.0".parse()?);
/// let mut recorded = Recorded::default();
/// let state = recorded.apps.entry(notes.clone()).or_default();
/// state.applied.insert(two.clone(), Applied::default());
/// let goal = (&notes, &notes, &two);
/// let way = way_in(&[], &recorded, Errand::Import, goal, &Policy::default());
/// assert!(way.hurdles[0].reason.contains("its file is missing"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hurdle {
    /// The version that it leads to.
    pub version: Version,
    /// Its file: where it is, or the name it had when it was used.
    pub file: Option<String>,
    /// Why not, as in "its file is missing".
    pub reason: String,
}

/// What items are brought up for.
///
/// ```
/// use godwit::model::{Name, Version};
/// use godwit::plan::{Errand, Policy, Recorded, way_in};
///
/// # use godwit::model::*;
/// # let migration = Migration {
/// #     app: "notes".parse()?,
/// #     version: Version::new(2, 0, 0),
/// #     requires: None,
/// #     depends_on: Vec::new(),
/// #     summary: String::new(),
/// #     steps: vec![Step {
/// #         name: "fill".parse()?,
/// #         phase: Phase::Offline,
/// #         work: StepWork::Transform {
/// #             mode: Mode::Rewrite,
/// #             collection: "notes".parse()?,
/// #             reads: Vec::new(),
/// #             writes: Vec::new(),
/// #         },
/// #     }],
/// #     digest: Digest::of(b"the file"),
/// #     file: "notes.wasm".into(),
/// #     body: Body::Component {
/// #         contract: Version::new(1, 0, 0),
/// #         layout: Layout::Columns,
/// #     },
/// # };
/// // The migration leads to 2.0.0, and is still to come.
/// let catalogue = [migration];
/// let (notes, two): (Name, Version) = ("notes".parse()?, "2.0.0".parse()?);
/// let (recorded, policy) = (Recorded::default(), Policy::default());
/// let goal = (&notes, &notes, &two);
/// let way = |errand| way_in(&catalogue, &recorded, errand, goal, &policy);
/// assert_eq!(way(Errand::Read).steps.len(), 1);
/// assert_eq!(way(Errand::Import).steps.len(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// To be stored: they go through what is applied, all of it.
    Import,
    /// To be read: they go through what is applied and what is to come, and only what changes themselves matters.
    Read,
}

/// Plans the way of items of a collection of an app up to a version.
///
/// ```
/// use godwit::model::{Name, Version};
/// use godwit::plan::{Errand, Policy, Recorded, way_in};
///
/// # use godwit::model::*;
/// # let migration = Migration {
/// #     app: "notes".parse()?,
/// #     version: Version::new(2, 0, 0),
/// #     requires: None,
/// #     depends_on: Vec::new(),
/// #     summary: String::new(),
/// #     steps: vec![Step {
/// #         name: "fill".parse()?,
/// #         phase: Phase::Offline,
/// #         work: StepWork::Transform {
/// #             mode: Mode::Rewrite,
/// #             collection: "notes".parse()?,
/// #             reads: Vec::new(),
/// #             writes: Vec::new(),
/// #         },
/// #     }],
/// #     digest: Digest::of(b"the file"),
/// #     file: "notes.wasm".into(),
/// #     body: Body::Component {
/// #         contract: Version::new(1, 0, 0),
/// #         layout: Layout::Columns,
/// #     },
/// # };
/// // The migration leads to 2.0.0 by a step that rewrites `notes`.
/// let (notes, two): (Name, Version) = ("notes".parse()?, "2.0.0".parse()?);
/// let (recorded, policy) = (Recorded::default(), Policy::default());
/// let goal = (&notes, &notes, &two);
/// let way = way_in(&[migration], &recorded, Errand::Read, goal, &policy);
/// assert_eq!(way.versions, [two]);
/// assert_eq!(way.steps[0].name.as_str(), "fill");
/// assert!(way.hurdles.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn way_in(
    catalogue: &[Migration],
    recorded: &Recorded,
    errand: Errand,
    (app, collection, level): (&Name, &Name, &Version),
    policy: &Policy,
) -> WayIn {
    let lines = Lines::new(catalogue, recorded);
    let line = lines.get(app);
    let mut way = WayIn::default();
    let applied = recorded.apps.get(app).map(|state| &state.applied);
    for (version, applied) in applied.into_iter().flat_map(|known| known.range(..=level)) {
        if line.is_none_or(|line| !line.files.contains_key(version)) {
            let reason = "its file is missing from the catalogue".to_owned();
            let file = Some(applied.file.clone()).filter(|file| !file.is_empty());
            way.add_hurdle(version, file, reason);
        }
    }
    if let Some(line) = line {
        way.add_findings(line, level, errand, policy, recorded);
        let files = line.files.range::<Version, _>(..=level);
        for (version, migration) in files.filter(|(version, _)| errand.leads(line, version)) {
            way.add_migration(line, migration, collection, errand);
            way.versions.push((*version).clone());
        }
    }
    way.hurdles.sort_by(|a, b| a.version.cmp(&b.version));
    way
}

impl Errand {
    /// Whether the way leads through a version. What arrived late and is not applied is not on it.
    fn leads(self, line: &Line<'_>, version: &Version) -> bool {
        let is_to_come = self == Self::Read && Some(version) > line.state.version();
        is_to_come || line.state.has(version, Phase::Offline)
    }
}

impl WayIn {
    /// Adds what is in the way, unless the migration is known to be in the way already.
    fn add_hurdle(&mut self, version: &Version, file: Option<String>, reason: String) {
        if self.hurdles.iter().all(|known| known.version != *version) {
            let version = version.clone();
            self.hurdles.push(Hurdle {
                version,
                file,
                reason,
            });
        }
    }

    /// Adds what keeps a plan from being made of migrations on the way.
    fn add_findings(
        &mut self,
        line: &Line<'_>,
        level: &Version,
        errand: Errand,
        policy: &Policy,
        recorded: &Recorded,
    ) {
        let mut findings = Findings::new(policy, recorded);
        line.check_duplicates(&mut findings);
        check_drift(
            line,
            |version| version <= level,
            Drift::Applied,
            &mut findings,
        );
        for finding in findings.into_list() {
            let version = finding.subject.version.clone();
            if let Some(version) = version.filter(|version| errand.leads(line, version))
                && finding.severity == Severity::Refused
            {
                self.add_hurdle(&version, finding.subject.file, finding.matter.to_string());
            }
        }
    }

    fn add_migration(
        &mut self,
        line: &Line<'_>,
        migration: &Migration,
        collection: &Name,
        errand: Errand,
    ) {
        let version = &migration.version;
        let is_applied = |phase| line.state.has(version, phase);
        let is_over = |step: &&Step| matches!(&step.work, StepWork::Transform { collection: fed, .. } if fed == collection);
        // What is to come starts where what comes before it leads to.
        let from = line.predecessor(version).max(self.versions.last()).cloned();
        let mut hurdle = None;
        for phase in phases(migration) {
            let over = migration.steps.iter().filter(|step| step.phase == phase);
            for step in over.filter(is_over) {
                if errand == Errand::Read && !is_rewrite(step) {
                    // It leaves the items that it is fed as they are.
                    continue;
                }
                let is_over = errand == Errand::Read || is_applied(phase);
                hurdle = hurdle.or_else(|| trouble(step, is_over));
                self.steps.push(WayInStep {
                    version: version.clone(),
                    from: from.clone(),
                    digest: migration.digest,
                    name: step.name.clone(),
                });
            }
        }
        if let Some(reason) = hurdle {
            self.add_hurdle(version, Some(migration.file.display().to_string()), reason);
        }
    }
}

fn is_rewrite(step: &Step) -> bool {
    matches!(&step.work, StepWork::Transform { mode, .. } if *mode == Mode::Rewrite)
}

/// Why items cannot go through a step outside of a run.
fn trouble(step: &Step, is_applied: bool) -> Option<String> {
    let Step { name, phase, work } = step;
    let StepWork::Transform {
        mode,
        reads,
        writes,
        ..
    } = work
    else {
        return None;
    };
    if !is_applied {
        return Some(format!("its step {name} ({phase}) is still to come"));
    }
    if *mode == Mode::Derive {
        return Some(format!(
            "its step {name} derives from items that are stored"
        ));
    }
    if !work.is_pure_rewrite() {
        let mut others: Vec<_> = reads.iter().chain(writes).map(Name::as_str).collect();
        others.sort_unstable();
        others.dedup();
        return Some(format!(
            "its step {name} sees stored items of {}",
            others.join(", ")
        ));
    }
    None
}
