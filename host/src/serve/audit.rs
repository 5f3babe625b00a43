//! Writing down who changed what: before it is carried out, and how it was answered behind it.

use axum::http::Method;
use axum::http::StatusCode;

use super::Shared;
use super::access::Role;
use super::problem::Problem;
use crate::host::Host;
use crate::store::Audit;

/// So many characters are kept of what was asked for.
const KEPT: usize = 1_000;

/// Something that is being carried out.
pub(super) struct Noted(u64);

/// Notes that somebody asks for a change, with what he sent, but for bodies of items.
pub(super) async fn begin(
    shared: &Shared,
    role: Role,
    (method, target, body): (&Method, &str, &[u8]),
) -> Result<Noted, Problem> {
    let who = match role {
        Role::Admin => "admin",
        Role::Read => "read",
    };
    let is_item = target.contains("/items/");
    let sent = match body.trim_ascii() {
        b"" | b"{}" => String::new(),
        _ if is_item => String::new(),
        body => format!(" {}", String::from_utf8_lossy(body)),
    };
    let what = format!("{method} {target}{sent}");
    let entry = Audit {
        number: 0,
        at: shared.host.blocking().surroundings().clock.now(),
        who: who.to_owned(),
        what: what.chars().take(KEPT).collect(),
        status: 0,
    };
    let add = move |host: &Host| Ok(host.store().add_audit(entry)?);
    Ok(Noted(shared.host.ask(add).await?))
}

impl Noted {
    /// Notes how it was answered.
    pub(super) async fn end(self, shared: &Shared, status: StatusCode) -> Result<(), Problem> {
        let (number, status) = (self.0, status.as_u16());
        let end = move |host: &Host| Ok(host.store().end_audit(number, status)?);
        Ok(shared.host.ask(end).await?)
    }
}
