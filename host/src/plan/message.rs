//! What findings say to people.

use std::fmt;

use crate::model::{Digest, Name, Phase, Version};

use super::{Drift, Exclusion, Matter, Need, OffTarget};

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidFile { reason } => write!(f, "it is no valid migration: {reason}"),
            Self::Gap { need } => write!(f, "its file is missing from the catalogue, {need}"),
            Self::Duplicate { other } => write!(f, "{other} is for the same version"),
            Self::DigestDrift {
                known,
                found,
                drift,
            } => describe_drift(f, known, found, *drift),
            Self::LateArrival { current } => write!(f, "is not applied, the newer {current} is"),
            Self::Requires { requires, from } => {
                let app = would_be("the app", Some(from));
                write!(f, "starts from {requires} only, and {app}")
            }
            Self::Dependency { on, found } => {
                let other = would_be(&format!("the app {}", on.app), found.as_ref());
                write!(f, "depends on {} {}, and {other}", on.app, on.versions)
            }
            Self::Cycle { through } => {
                write!(f, "depends on itself by way of {}", through.join(", "))
            }
            Self::NewerStore {
                newest,
                newest_file,
                collection,
                ..
            } => describe_newer(f, newest, newest_file, collection.as_ref()),
            Self::Target { reason } => reason.fmt(f),
            Self::PhaseOrder {
                asked,
                pending,
                behind,
            } => describe_phase_order(f, *asked, pending, *behind),
            Self::AppUnknown { known } => {
                write!(f, "is not in the catalogue, which has {}", listed(known))
            }
            Self::CollectionUnknown { collection } => {
                write!(f, "the collection {collection} belongs to no app")
            }
            Self::ForeignCollection {
                collection,
                step,
                owner,
                owner_file,
            } => describe_foreign(f, collection, step, owner, owner_file.as_deref()),
            Self::Grant {
                step,
                reads,
                writes,
            } => describe_grant(f, step, reads, writes),
            Self::UnfinishedRun {
                run,
                state,
                exclusion,
            } => {
                write!(f, "run {run} is {state}, {exclusion}")
            }
        }
    }
}

/// Names separated by commas.
pub(super) fn listed<T: fmt::Display>(names: &[T]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names
            .iter()
            .map(T::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn describe_foreign(
    f: &mut fmt::Formatter<'_>,
    collection: &Name,
    step: &Name,
    owner: &Name,
    owner_file: Option<&str>,
) -> fmt::Result {
    write!(
        f,
        "step {step} changes the collection {collection} of the app {owner}"
    )?;
    owner_file
        .iter()
        .try_for_each(|file| write!(f, " ({file})"))
}

fn describe_grant(
    f: &mut fmt::Formatter<'_>,
    step: &Name,
    reads: &[Name],
    writes: &[Name],
) -> fmt::Result {
    let asks = [("read", reads), ("write", writes)];
    let asks = asks.iter().filter(|(_, names)| !names.is_empty());
    let asks: Vec<_> = asks
        .map(|(what, names)| format!("{what} {}", listed(names)))
        .collect();
    write!(
        f,
        "step {step} asks to {}, which is not granted",
        asks.join(" and to ")
    )
}

fn describe_drift(
    f: &mut fmt::Formatter<'_>,
    known: &Digest,
    found: &Digest,
    drift: Drift,
) -> fmt::Result {
    let (known, found) = (known.short(), found.short());
    write!(f, "the file has digest {found}, {drift} {known}")
}

fn would_be(app: &str, version: Option<&Version>) -> String {
    match version {
        Some(version) => format!("{app} would be at {version}"),
        None => format!("nothing would be applied to {app}"),
    }
}

fn describe_newer(
    f: &mut fmt::Formatter<'_>,
    newest: &Version,
    file: &str,
    collection: Option<&Name>,
) -> fmt::Result {
    match collection {
        Some(collection) => write!(f, "the collection {collection} has items of it")?,
        None => write!(f, "the store has it")?,
    }
    write!(f, ", the catalogue's newest is {newest} ({file})")
}

fn describe_phase_order(
    f: &mut fmt::Formatter<'_>,
    asked: Phase,
    pending: &Version,
    behind: bool,
) -> fmt::Result {
    match asked {
        _ if behind => write!(f, "items that are behind wait for its offline stage"),
        Phase::Offline => write!(
            f,
            "its offline stage comes after the online stage of {pending}"
        ),
        Phase::Online => write!(
            f,
            "its online stage comes after the offline stage of {pending}"
        ),
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History => f.write_str("and it was applied"),
            Self::Items => f.write_str("and items have to go through it"),
            Self::Run(run) => write!(f, "and run {run} is not done with it"),
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied => f.write_str("it was applied with"),
            Self::InProgress(run) => write!(f, "run {run} is in progress with"),
            Self::OtherSteps(run) => {
                write!(
                    f,
                    "and other steps than run {run} is in the middle of, with"
                )
            }
            Self::Retried => f.write_str("items failed it with"),
        }
    }
}

impl fmt::Display for OffTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithoutApp { known } => {
                write!(
                    f,
                    "which app should have this version? There are {}",
                    listed(known)
                )
            }
            Self::Absent { .. } => f.write_str("is not in the catalogue"),
            Self::Below { current, .. } => write!(f, "lies below the present version {current}"),
        }
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherApp => "and this app was not asked for",
            Self::BeyondTarget => "and leads beyond the version that was asked for",
            Self::OtherPhase => "and this phase was not asked for",
            Self::Undoing => "and nothing can be planned before that is done",
            Self::GoingDown => {
                "and leads back to an older version: nothing can be planned before that is done"
            }
        })
    }
}
