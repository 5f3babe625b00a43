//! Writing down who changed what.

use axum::http::StatusCode;

use super::Shared;
use super::access::Role;
use super::problem::Problem;
use crate::store::Audit;

/// Notes that somebody asked for a change, and what he was answered.
pub(super) async fn note(
    shared: &Shared,
    role: Role,
    what: String,
    status: StatusCode,
) -> Result<(), Problem> {
    let who = match role {
        Role::Admin => "admin",
        Role::Read => "read",
    };
    let entry = Audit {
        number: 0,
        at: shared.host.blocking().surroundings().clock.now(),
        who: who.to_owned(),
        what: what.chars().take(1_000).collect(),
        status: status.as_u16(),
    };
    let add = move |host: &crate::host::Host| Ok(host.store().add_audit(entry)?);
    Ok(shared.host.ask(add).await?)
}
