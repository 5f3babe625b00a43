//! The server: a host over HTTP, for programs and for people.
//!
//! [`router`] gives the routes, to be served alone ([`listen`], `godwit serve`) or beside those of an application that
//! embeds the host. Everything that is not for everybody asks for a token, and whoever a browser was misled by is turned
//! away ([`Access`]). Errors are problem details (RFC 9457); the OpenAPI document at `/openapi.json` is made of the same
//! functions that answer.

mod access;
mod activities;
mod answer;
mod audit;
mod guard;
mod input;
mod listen;
mod metrics;
mod page;
mod problem;
mod readiness;
mod routes;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::{Mutex, Semaphore};

pub use access::{Access, BadToken, Tokens};
pub use listen::{Connections, Tls, TlsError, listen};
pub use problem::Problem;

use crate::embed::Host;
use activities::Activities;
use metrics::Metrics;
use readiness::LastReadiness;

/// How a server behaves.
///
/// ```
/// # fn example() -> Result<(), godwit::server::BadToken> {
/// use godwit::server::{Settings, Tokens};
///
/// let mut settings = Settings::new(Tokens::new("an admin's token of 32 bytes or more", None)?);
/// settings.access.hosts.push("godwit.example".to_owned());
/// settings.body_bytes = 64 << 10;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Who may do what.
    pub access: Access,
    /// No longer body is read, in bytes.
    pub body_bytes: usize,
    /// No request takes longer than this, from its head to its answer's.
    pub request_time: Duration,
    /// So many requests are answered at once; one more is told to come again.
    pub concurrent: usize,
    /// So many streams of events there are at once.
    pub streams: usize,
    /// Whether Q's clients may migrate by GET, as they did. A GET that changes something is off by default.
    pub q_gets: bool,
    /// Where backups are made and looked for; `None`: there are none.
    pub backups: Option<PathBuf>,
    /// Whether `/healthz`, `/readyz` and `/metrics` are there; they are by default. An application that has such routes itself leaves
    /// them out, and asks the host whether it is ready.
    pub probes: bool,
    /// Whether there is a page for people at `/`, `/app.js` and `/app.css`; not by default, as applications have one there
    /// themselves.
    pub page: bool,
}

impl Settings {
    /// The defaults, for those who have one of these tokens, on this machine.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            access: Access::new(tokens),
            body_bytes: 8 << 20,
            request_time: Duration::from_secs(30),
            concurrent: 64,
            streams: 64,
            q_gets: false,
            backups: None,
            probes: true,
            page: false,
        }
    }
}

/// What every route knows.
#[derive(Clone)]
struct Shared(Arc<Inner>);

struct Inner {
    host: Host,
    settings: Settings,
    activities: Activities,
    metrics: Metrics,
    /// Requests that are being answered.
    requests: Semaphore,
    /// Streams of events.
    streams: Arc<Semaphore>,
    /// Answers that may be large and are being made.
    making: Arc<Semaphore>,
    /// KiB of large answers on their way.
    on_their_way: Arc<Semaphore>,
    /// The number of what a command of OpenSlides began last. Held while it is looked whether one may be begun, and it is.
    commanded: Mutex<Option<u64>>,
    /// Held while a backup is made.
    backing_up: Arc<Mutex<()>>,
    readiness: LastReadiness,
    /// Tells the events of this process apart from those of another one.
    epoch: u64,
}

impl std::ops::Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The routes of a host: `/api/v1`, `/admin/migration`, `/system/migrations`, `/healthz`, `/readyz`, `/metrics`,
/// `/openapi.json`, and the page at `/` if there is to be one. They are merged into those of an application, as they are:
/// their paths are fixed, and everything else is left to the application, which must have none of them itself: axum panics
/// where two routes are the same ([`Settings::probes`], [`Settings::page`]).
///
/// ```
/// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::server::{Settings, Tokens, router};
///
/// let tokens = Tokens::new("an admin's token of 32 bytes or more", None)?;
/// let application: axum::Router = axum::Router::new();
/// let routes = application.merge(router(host, Settings::new(tokens)));
/// # Ok(())
/// # }
/// ```
pub fn router(host: Host, settings: Settings) -> Router {
    let shared = Shared::new(host, settings);
    guard::around(routes::all(&shared), &shared).with_state(shared)
}

/// The routes of [`router`], for a server that has no others: whatever else is asked for is not there, and guarded as they are.
///
/// ```
/// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::server::{Settings, Tokens, standalone};
///
/// let mut settings = Settings::new(Tokens::new("an admin's token of 32 bytes or more", None)?);
/// settings.page = true;
/// let routes = standalone(host, settings);
/// # Ok(())
/// # }
/// ```
pub fn standalone(host: Host, settings: Settings) -> Router {
    let shared = Shared::new(host, settings);
    guard::around_all(routes::all(&shared), &shared).with_state(shared)
}

impl Shared {
    fn new(host: Host, settings: Settings) -> Self {
        let semaphore = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        Self(Arc::new(Inner {
            activities: Activities::new(host.clone()),
            metrics: Metrics::default(),
            requests: semaphore(settings.concurrent.max(1)),
            streams: Arc::new(semaphore(settings.streams)),
            making: Arc::new(Semaphore::new(answer::MADE)),
            on_their_way: Arc::new(Semaphore::new(answer::ON_THEIR_WAY)),
            commanded: Mutex::default(),
            backing_up: Arc::default(),
            readiness: LastReadiness::default(),
            epoch: (host.blocking().surroundings().random)(),
            host,
            settings,
        }))
    }
}
