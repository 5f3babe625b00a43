//! The nouns: facts without I/O, clock or choice.
//!
//! Every room speaks in these types. They are plain data: what is validated is validated when it
//! is made ([`Name`], [`item::check_id`]), what is stored is `serde`, what is hot is columnar
//! ([`Batch`], [`Reply`]).
//!
//! ```
//! use godwit::model::{Batch, Name, Version, VersionReq};
//!
//! let name: Name = "notes".parse()?;
//! assert!("no name".parse::<Name>().is_err());
//! let requires: VersionReq = ">=1, <2".parse()?;
//! assert!(requires.matches(&Version::new(1, 4, 0)));
//! let mut batch = Batch::default();
//! batch.push("first", br#"{"title": "hello"}"#);
//! assert_eq!(batch.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apart;
mod batch;
mod counts;
mod dice;
mod diff;
mod digest;
mod failure_kind;
mod fingerprint;
mod glance;
mod grants;
mod history;
pub mod item;
pub mod json;
mod lanes;
mod migration;
mod name;
mod retreat;
mod rules;
mod run;
mod text;
mod time;

pub use apart::{Apart, Failure, Position};
pub use batch::{Batch, Kind, Reply, ReplyError};
pub use counts::Counts;
pub(crate) use counts::counted;
pub(crate) use dice::Dice;
pub use diff::{Difference, diff};
pub use digest::Digest;
pub use failure_kind::FailureKind;
pub use fingerprint::fingerprint;
pub use glance::{Glance, glance};
pub use grants::{Access, DefaultGrant, Grant, GrantError, Granted, Grants};
pub use history::{AppState, Applied, Entry, Event, History};
pub use item::Item;
pub use migration::{Body, Dependency, Layout, Migration, Mode, Operation, Phase, Step, StepWork};
pub use name::{Name, NameError};
pub use retreat::Retreat;
pub use rules::Rules;
pub use run::{Plan, Progress, Purpose, Run, RunId, RunState, Source, Stage};
pub use semver::{Version, VersionReq};
pub use text::is_plain;
pub(crate) use text::json_trouble;
pub use time::{Clock, Timestamp};
