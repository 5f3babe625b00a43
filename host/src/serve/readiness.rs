//! Whether the application may serve. Anybody may ask, so that it is found out anew only where something may have changed it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::embed::Host;
use crate::host::{HostError, Readiness};
use crate::model::Timestamp;

/// What another process does without a trace in history is noticed after this, in milliseconds.
const KEPT: u64 = 1_000;

/// What was found out last.
#[derive(Default)]
pub(super) struct LastReadiness(Arc<Mutex<Option<Known>>>);

struct Known {
    /// How much there was in the store's history, and among the host's events.
    seen: (u64, u64),
    at: Timestamp,
    readiness: Readiness,
}

impl LastReadiness {
    /// Whether the application may serve.
    ///
    /// # Errors
    /// As [`Host::readiness`].
    pub(super) async fn ask(&self, host: &Host) -> Result<Readiness, HostError> {
        let (last, event) = (self.0.clone(), host.last_event());
        host.ask(move |host| {
            let seen = (host.store().history_length()?, event);
            let now = host.surroundings().clock.now();
            // Whoever asks meanwhile waits for the same answer.
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let known = last.as_ref();
            if let Some(known) =
                known.filter(|known| known.seen == seen && now.since(known.at) < KEPT)
            {
                return Ok(known.readiness.clone());
            }
            let readiness = host.readiness()?;
            *last = Some(Known {
                seen,
                at: now,
                readiness: readiness.clone(),
            });
            Ok(readiness)
        })
        .await
    }
}
