//! Why the server did not do what it was asked, and whether it is to be asked again.

use std::error::Error as _;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::bodies::Bodies;

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection, or the server, failed.
    Sql(tokio_postgres::Error),
    /// It failed while it was asked to commit.
    Committing(tokio_postgres::Error),
    /// There is no connection.
    Pool(PoolError),
    /// It failed when something of it had been seen already.
    Midway(Box<Failure>),
    /// An expectation did not hold.
    Conflict(Vec<u8>),
    /// The schema is of a newer version.
    Newer { found: u32, supported: u32 },
    /// The schema has something else.
    Foreign(String),
    /// The store keeps bodies otherwise than was asked for.
    OtherBodies { settled: Bodies },
    /// There are tables that this process does not know yet.
    Unknown,
    /// A table of the application's own does not do.
    Table { collection: String, reason: String },
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Sql(error),
            error => Self::Pool(error),
        }
    }
}

impl Failure {
    /// Whether nothing was done, and the same may be done when it is tried again.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Sql(error) => match error.code() {
                Some(code) => is_given_up(code) || is_outage(code),
                None => is_cut(error),
            },
            // The server says what became of it, or nothing is known.
            Self::Committing(error) => error.code().is_some_and(is_given_up),
            Self::Unknown => true,
            Self::Pool(_)
            | Self::Midway(_)
            | Self::Conflict(_)
            | Self::Newer { .. }
            | Self::Foreign(_)
            | Self::OtherBodies { .. }
            | Self::Table { .. } => false,
        }
    }

    /// Whether the server could not take a body for `jsonb`: data exceptions, and limits of the program.
    pub(super) fn is_of_a_body(&self) -> bool {
        match self {
            Self::Sql(error) | Self::Committing(error) => error.code().is_some_and(|code| {
                ["22", "54"]
                    .iter()
                    .any(|class| code.code().starts_with(class))
            }),
            _ => false,
        }
    }
}

/// Whether the server rolled a transaction back for the sake of others. A key that was absent and is there all the same is
/// seen by the next try.
fn is_given_up(code: &SqlState) -> bool {
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::UNIQUE_VIOLATION,
    ]
    .contains(code)
}

/// Whether the server is not to be had now, or ended the session.
fn is_outage(code: &SqlState) -> bool {
    let class = code.code();
    // 08: connection exceptions; 57P: shut down, or the session was ended; 53300: too many connections. 25006: it is a standby.
    class.starts_with("08")
        || class.starts_with("57P")
        || ["53300", "25006", "25P03"].contains(&class)
}

/// Whether a connection ended, or was not made.
fn is_cut(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error
            .source()
            .is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// An error with its causes: what the server said is one.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
