//! Accepting that items stay in quarantine.

use std::ops::ControlFlow;

use super::RunError;
use crate::model::{Clock, Name, RunId};
use crate::store::{Lease, Store, Visit};

/// How many items are accepted in one commit.
const PAGE: usize = 1_000;

/// Accepts by name that items stay in quarantine as they are: they keep their version, and stand
/// in nobody's way. Returns how many were accepted that had not been before.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// use godwit::model::Name;
/// use godwit::run::{RunError, accept};
///
/// let notes: Name = "notes".parse()?;
/// let mut lease = host.lease("quarantine accept")?;
/// let clock = &*host.surroundings().clock;
/// let accepted = accept(host.store(), &mut lease, clock, &[(notes, "first".to_owned())]);
/// assert!(matches!(accepted, Err(RunError::NotInQuarantine { .. })));
/// lease.release(host.store())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RunError::NotInQuarantine`] when one of the items is not there; nothing was accepted then.
pub fn accept(
    store: &Store,
    lease: &mut Lease,
    clock: &dyn Clock,
    items: &[(Name, String)],
) -> Result<u64, RunError> {
    for (collection, id) in items {
        let apart = store.apart(collection, id)?;
        if apart.is_none_or(|apart| apart.failure.is_none()) {
            let (collection, id) = (collection.clone(), id.clone());
            return Err(RunError::NotInQuarantine { collection, id });
        }
    }
    let mut accepted = 0;
    for page in items.chunks(PAGE) {
        let mut write = store.write(RunId(0), None);
        for (collection, id) in page {
            let old = store.apart_record(collection, id)?;
            let Some(mut apart) = store.apart(collection, id)? else {
                continue;
            };
            let Some(failure) = apart.failure.as_mut().filter(|failure| !failure.accepted) else {
                continue;
            };
            failure.accepted = true;
            accepted += 1;
            write.set_apart(collection, id, old.as_deref(), Some(&apart), Visit::Once)?;
        }
        write.commit(lease, clock.now())?;
    }
    Ok(accepted)
}

/// The items of a collection that are in quarantine, behind `after`, up to `limit` of them.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// use godwit::model::Name;
/// use godwit::run::list;
///
/// let notes: Name = "notes".parse()?;
/// let mut after: Option<String> = None;
/// loop {
///     let page = list(host.store(), &notes, after.as_deref(), 100)?;
///     let Some((last, _)) = page.last() else { break };
///     after = Some(last.clone());
/// }
/// assert_eq!(after, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RunError::Store`] when the store cannot be read.
pub fn list(
    store: &Store,
    collection: &Name,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, crate::model::Apart)>, RunError> {
    let mut found = Vec::new();
    store.each_apart(collection, after, &mut |id, apart| {
        if apart.failure.is_some() {
            found.push((id.to_owned(), apart));
        }
        if found.len() < limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    Ok(found)
}
