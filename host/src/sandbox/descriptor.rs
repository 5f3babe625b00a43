//! What a component says about itself, checked.

use std::collections::BTreeSet;

use crate::contract::{RawDescriptor, RawStep, printable};
use crate::model::item::MAX_VERSION_BYTES;
use crate::model::{Dependency, Mode, Name, NameError, Phase, Step, StepWork, Version, VersionReq};

/// A component's description of itself, valid.
///
/// ```
/// # fn example(component: &godwit::sandbox::Component) -> Result<(), godwit::sandbox::LoadError> {
/// use godwit::sandbox::Descriptor;
///
/// let Descriptor { app, version, steps, .. } = component.describe()?;
/// println!("brings {app} to {version} in {} steps", steps.len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The app whose versions are counted.
    pub app: Name,
    /// The version that it leads to.
    pub version: Version,
    /// The versions it can start from.
    pub requires: Option<VersionReq>,
    /// Other apps that must have reached a version first.
    pub depends_on: Vec<Dependency>,
    /// One line for people.
    pub summary: String,
    /// The steps, the offline ones before the online ones.
    pub steps: Vec<Step>,
}

/// A way in which a description is not valid.
///
/// ```
/// use godwit::sandbox::DescriptorError;
///
/// let error = DescriptorError::SameName("split-titles".parse()?);
/// assert_eq!(error.to_string(), "two steps are named `split-titles`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// Occurs when it says something else each time.
    #[error("it says something else the second time that it is asked")]
    Unsteady,
    /// Occurs when an app, a collection or a step is not named as names are.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Occurs when a version is not one.
    #[error("`{text}` is not a semver version: {source}")]
    Version {
        /// What was said.
        text: String,
        /// What is wrong with it.
        source: semver::Error,
    },
    /// Occurs when a requirement is not one.
    #[error("`{text}` is not a semver requirement: {source}")]
    Requirement {
        /// What was said.
        text: String,
        /// What is wrong with it.
        source: semver::Error,
    },
    /// Occurs when a version or a requirement is longer than items can carry.
    #[error("a version of {length} bytes; {MAX_VERSION_BYTES} is the limit")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Occurs when there are more steps than make sense.
    #[error("it has {0} steps; {MAX_STEPS} is the limit")]
    TooManySteps(usize),
    /// Occurs when two steps have the same name.
    #[error("two steps are named `{0}`")]
    SameName(Name),
    /// Occurs when an offline step comes after an online one.
    #[error("the offline step `{0}` comes after an online one")]
    PhaseOrder(Name),
    /// Occurs when two steps rewrite the same collection.
    #[error("two steps rewrite `{0}`; one migration rewrites a collection once")]
    RewritesTwice(Name),
    /// Occurs when a derive step asks to write what it is fed from.
    #[error("the derive step `{step}` asks to write `{collection}`, from which it is fed")]
    DerivesIntoItself {
        /// The step.
        step: Name,
        /// The collection.
        collection: Name,
    },
}

/// The longest summary, in bytes: one line.
const MAX_SUMMARY_BYTES: usize = 512;
/// The most steps of a migration.
const MAX_STEPS: usize = 1_000;

impl Descriptor {
    /// Checks what a component said.
    pub(super) fn check(raw: RawDescriptor) -> Result<Self, DescriptorError> {
        if raw.steps.len() > MAX_STEPS {
            return Err(DescriptorError::TooManySteps(raw.steps.len()));
        }
        let steps = raw
            .steps
            .into_iter()
            .map(step)
            .collect::<Result<Vec<_>, _>>()?;
        check_steps(&steps)?;
        let dependency = |(app, versions): (String, String)| {
            Ok(Dependency {
                app: app.parse()?,
                versions: requirement(&versions)?,
            })
        };
        Ok(Self {
            app: raw.app.parse()?,
            version: version(&raw.version)?,
            requires: raw.requires.as_deref().map(requirement).transpose()?,
            depends_on: raw
                .depends_on
                .into_iter()
                .map(dependency)
                .collect::<Result<_, DescriptorError>>()?,
            summary: printable(&raw.summary, MAX_SUMMARY_BYTES).replace('\n', " "),
            steps,
        })
    }
}

fn version(text: &str) -> Result<Version, DescriptorError> {
    check_length(text)?;
    text.parse().map_err(|source| DescriptorError::Version {
        text: printable(text, 128),
        source,
    })
}

fn requirement(text: &str) -> Result<VersionReq, DescriptorError> {
    check_length(text)?;
    text.parse().map_err(|source| DescriptorError::Requirement {
        text: printable(text, 128),
        source,
    })
}

fn check_length(text: &str) -> Result<(), DescriptorError> {
    match text.len() {
        0..=MAX_VERSION_BYTES => Ok(()),
        length => Err(DescriptorError::TooLong { length }),
    }
}

fn step(raw: RawStep) -> Result<Step, DescriptorError> {
    let names = |names: Vec<String>| {
        names
            .iter()
            .map(|name| name.parse())
            .collect::<Result<Vec<Name>, _>>()
    };
    let collection: Name = raw.collection.parse()?;
    Ok(Step {
        name: raw.name.parse()?,
        phase: if raw.online {
            Phase::Online
        } else {
            Phase::Offline
        },
        work: StepWork::Transform {
            mode: if raw.derive {
                Mode::Derive
            } else {
                Mode::Rewrite
            },
            collection,
            reads: names(raw.reads)?,
            writes: names(raw.writes)?,
        },
    })
}

fn check_steps(steps: &[Step]) -> Result<(), DescriptorError> {
    let (mut names, mut rewritten) = (BTreeSet::new(), BTreeSet::new());
    let mut phase = Phase::Offline;
    for step in steps {
        if !names.insert(&step.name) {
            return Err(DescriptorError::SameName(step.name.clone()));
        }
        if step.phase < phase {
            return Err(DescriptorError::PhaseOrder(step.name.clone()));
        }
        phase = step.phase;
        let StepWork::Transform {
            mode,
            collection,
            writes,
            ..
        } = &step.work
        else {
            continue;
        };
        match mode {
            Mode::Rewrite if !rewritten.insert(collection) => {
                return Err(DescriptorError::RewritesTwice(collection.clone()));
            }
            Mode::Derive if writes.contains(collection) => {
                let (step, collection) = (step.name.clone(), collection.clone());
                return Err(DescriptorError::DerivesIntoItself { step, collection });
            }
            Mode::Rewrite | Mode::Derive => {}
        }
    }
    Ok(())
}
