//! Whether a run can be undone at all.

use super::{ChangedItems, Kept, NAMED, each_with_current, is_first, page, step_numbers};
use crate::model::{Entry, Event, Name, Retreat, Run};
use crate::run::RunError;
use crate::store::{ItemRecord, Store, StoreError, key, record};

/// Refuses to undo what cannot be, before anything is changed.
pub(super) fn check(store: &Store, run: &Run, changed: ChangedItems) -> Result<(), RunError> {
    let refuse = |reason: String| {
        Err(RunError::NotUndoable {
            run: run.id,
            reason,
        })
    };
    if !run.has_pre_images {
        let why = match run.keeps_pre_images {
            true => "its pre-images were pruned",
            false => "it kept no pre-images",
        };
        return refuse(match run.retreat() {
            Some(restore) => {
                format!("{why}; `{restore}` puts the whole store back as it was before it")
            }
            None => why.to_owned(),
        });
    }
    if let Some(Entry { app, version, .. }) = declared_since(store, run)? {
        return refuse(format!(
            "it was declared after it that what {app} has is of {version}; what an undo would put back is not"
        ));
    }
    let runs = store.runs()?;
    if let Some(later) = runs.iter().rev().find(|other| other.is_behind(run)) {
        let id = later.id;
        return refuse(match later.retreat() {
            Some(Retreat::Undo(_) | Retreat::InOrder(_)) => {
                format!("run {id} came after it; undo that one first")
            }
            Some(Retreat::Reset) => {
                format!("run {id} came after it; drop that one first: `godwit reset`")
            }
            Some(restore) => format!(
                "run {id} came after it, and has no pre-images; `{restore}` puts the whole store back as it was before \
                 that one"
            ),
            None => format!("run {id} came after it, and has neither pre-images nor a backup"),
        });
    }
    match changed {
        ChangedItems::Refuse => check_unchanged(store, run),
        ChangedItems::Leave => Ok(()),
    }
}

/// The baseline that an app of a run was given after it, if one was.
fn declared_since(store: &Store, run: &Run) -> Result<Option<Entry>, StoreError> {
    let facts = store.history()?.0;
    let is_own = |fact: &Entry| match fact.event {
        Event::Applied { run: by, .. } | Event::Reverted { run: by, .. } => by == run.id,
        _ => false,
    };
    let own = facts.iter().rposition(is_own);
    let is_later = |(place, fact): &(usize, Entry)| match own {
        Some(own) => *place > own,
        // It applied nothing: it was about single items.
        None => fact.at >= run.changed_at,
    };
    let is_declared = |(_, fact): &(usize, Entry)| {
        fact.event == Event::Baseline && run.plan.stages.iter().any(|stage| stage.app == fact.app)
    };
    let mut later = facts.into_iter().enumerate().filter(is_later);
    Ok(later.find(is_declared).map(|(_, fact)| fact))
}

fn check_unchanged(store: &Store, run: &Run) -> Result<(), RunError> {
    let (mut count, mut items) = (0, Vec::new());
    let (mut from, to) = key::pre_images(run.id);
    loop {
        let page = page(store, &(from.clone(), to.clone()))?;
        let Some(last) = page.last() else { break };
        from = [&last.place[..], &[0]].concat();
        each_with_current(store, &page, |kept, current| {
            if let Some((collection, id)) = item_of(&kept.key)
                && is_changed(store, run, kept, current)?
                && is_first(store, run, kept)?
            {
                count += 1;
                if items.len() < NAMED {
                    items.push(format!("{collection}/{id}"));
                }
            }
            Ok(())
        })?;
    }
    match count {
        0 => Ok(()),
        count => Err(RunError::ChangedSince {
            run: run.id,
            count,
            items,
        }),
    }
}

fn item_of(key: &[u8]) -> Option<(Name, &str)> {
    key::parse_item(key).filter(|_| key[0] == key::tag::ITEM)
}

/// Whether an item is no longer as the run left it.
fn is_changed(
    store: &Store,
    run: &Run,
    kept: &Kept,
    current: Option<&[u8]>,
) -> Result<bool, StoreError> {
    match current {
        Some(current) => Ok(ItemRecord::parse(current)?.writer != run.id),
        None => Ok(last_left(store, run, &kept.key)?),
    }
}

/// Whether the last step of the run that changed a key left something there.
fn last_left(store: &Store, run: &Run, changed: &[u8]) -> Result<bool, StoreError> {
    for number in step_numbers(run).into_iter().rev() {
        let place = key::pre_image(run.id, number, changed);
        if let Some(kept) = store.backend().get(&place)? {
            return Ok(record::PreImage::parse(&kept)?.left);
        }
    }
    Ok(false)
}
