//! What became of items.

use std::error::Error;

use serde::Serialize;
use serde_json::Value;

use crate::Result;
use crate::batch::end;
use crate::{Batch, JsonText};

/// What became of one item; that it failed is said by an `Err` instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The item already has the shape that this step produces.
    Unchanged,
    /// The item's new body. One that says the same as the old one counts as unchanged.
    Updated(Body),
    /// The item is to be deleted.
    Removed,
}

impl Outcome {
    /// The item gets a new body: a JSON value, text or bytes.
    pub fn updated(body: impl Into<Body>) -> Self {
        Self::Updated(body.into())
    }

    /// The item gets a new body, written from a type of your own.
    pub fn updated_typed(value: &impl Serialize) -> Result {
        Ok(Self::updated(serde_json::to_vec(value)?))
    }
}

/// A new body: a JSON value, which is printed straight into the reply, or finished bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// To be printed as JSON.
    Json(Value),
    /// Taken as they are.
    Bytes(Vec<u8>),
}

impl Body {
    /// The body's bytes.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn into_bytes(self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Json(value) => serde_json::to_vec(&value),
            Self::Bytes(finished) => Ok(finished),
        }
    }

    /// Appends the body's bytes.
    fn write_to(&self, bytes: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Json(value) => serde_json::to_writer(bytes, value),
            Self::Bytes(finished) => {
                bytes.extend_from_slice(finished);
                Ok(())
            }
        }
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

impl From<JsonText<'_>> for Body {
    fn from(text: JsonText<'_>) -> Self {
        text.into_text().into_owned().into()
    }
}

impl From<JsonText<'_>> for Outcome {
    /// What became of an item whose text may have been edited: [`Unchanged`](Outcome::Unchanged) if it was not.
    fn from(text: JsonText<'_>) -> Self {
        match text.is_edited() {
            true => Self::updated(text),
            false => Self::Unchanged,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

/// The outcomes of a batch, one for each item in the same order, in flat columns.
///
/// Each outcome is written down as it comes and then let go, so that a batch of large documents is never held as
/// trees at once.
///
/// ```
/// use godwit_plugin::{Outcome, Outcomes, json};
///
/// let outcomes: Outcomes = [
///     Ok(Outcome::Unchanged),
///     Ok(Outcome::updated(json!({"n": 1}))),
///     Err("no title".into()),
/// ]
/// .into_iter()
/// .collect();
/// assert_eq!(outcomes.len(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub(crate) kinds: Vec<u8>,
    pub(crate) payloads: Vec<u8>,
    pub(crate) payload_ends: Vec<u32>,
}

/// The numbers of the contract.
pub(crate) mod kind {
    pub(crate) const UNCHANGED: u8 = 0;
    pub(crate) const UPDATED: u8 = 1;
    pub(crate) const REMOVED: u8 = 2;
    pub(crate) const FAILED: u8 = 3;
}

impl Outcomes {
    /// None yet, with room for those of a batch whose bodies keep about their size.
    pub fn with_room_for(batch: &Batch) -> Self {
        Self {
            kinds: Vec::with_capacity(batch.len()),
            payloads: Vec::with_capacity(batch.body_bytes()),
            payload_ends: Vec::with_capacity(batch.len()),
        }
    }

    /// Adds what became of the next item.
    pub fn push(&mut self, outcome: Result) {
        let kind = match outcome {
            Ok(Outcome::Unchanged) => kind::UNCHANGED,
            Ok(Outcome::Removed) => kind::REMOVED,
            Ok(Outcome::Updated(body)) => self.push_body(&body),
            Err(error) => self.push_reason(error.as_ref()),
        };
        self.kinds.push(kind);
        self.payload_ends.push(end(self.payloads.len()));
    }

    /// How many outcomes there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    fn push_body(&mut self, body: &Body) -> u8 {
        let start = self.payloads.len();
        match body.write_to(&mut self.payloads) {
            Ok(()) => kind::UPDATED,
            Err(error) => {
                self.payloads.truncate(start);
                self.push_reason(&error)
            }
        }
    }

    fn push_reason(&mut self, error: &dyn Error) -> u8 {
        self.payloads
            .extend_from_slice(with_causes(error).as_bytes());
        kind::FAILED
    }
}

/// An error and its causes as one line, for the operator who reads the quarantine.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line += &format!(": {error}");
        cause = error.source();
    }
    line
}

impl Extend<Result> for Outcomes {
    fn extend<I: IntoIterator<Item = Result>>(&mut self, outcomes: I) {
        outcomes.into_iter().for_each(|outcome| self.push(outcome));
    }
}

impl FromIterator<Result> for Outcomes {
    fn from_iter<I: IntoIterator<Item = Result>>(outcomes: I) -> Self {
        let mut columns = Self::default();
        columns.extend(outcomes);
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Item, json};

    #[test]
    fn outcomes_lie_in_columns() {
        let outcomes: Outcomes = [
            Ok(Outcome::Unchanged),
            Ok(Outcome::updated(json!({"z": 1, "a": "é"}))),
            Ok(Outcome::Removed),
            Err("no title".into()),
            Ok(Outcome::updated(b"raw".to_vec())),
            Ok(Outcome::updated_typed(&("a", 2)).unwrap()),
        ]
        .into_iter()
        .collect();

        assert_eq!(outcomes.kinds, [0, 1, 2, 3, 1, 1]);
        assert_eq!(
            std::str::from_utf8(&outcomes.payloads).unwrap(),
            r#"{"z":1,"a":"é"}no titleraw["a",2]"#
        );
        assert_eq!(outcomes.payload_ends, [0, 16, 16, 24, 27, 34]);
    }

    #[test]
    fn a_failure_tells_its_causes() {
        let error = Item::new("x", b"nope").json().unwrap_err();
        let outcomes: Outcomes = [Err(error.into())].into_iter().collect();
        assert_eq!(
            std::str::from_utf8(&outcomes.payloads).unwrap(),
            "the body is not JSON: expected ident at line 1 column 2"
        );
    }
}
