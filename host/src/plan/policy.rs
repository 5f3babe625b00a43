//! What is to be done about each kind of finding.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Kind, UnknownKind};

/// What is to be done about a kind of finding.
///
/// ```
/// use godwit::plan::{Choice, Kind, Policy};
///
/// let policy = Policy::default();
/// assert_eq!(policy.choice(Kind::Gap), Choice::Refuse);
/// assert_eq!(policy.choice(Kind::PhaseOrder), Choice::Warn);
/// assert_eq!(Choice::Accept.to_string(), "accept");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Nothing is planned.
    Refuse,
    /// It is reported, and planning goes on as far as the order of phases allows; where that is not at all, nothing is done
    /// ([`Planned::waits_for_phase`](super::Planned::waits_for_phase)).
    Warn,
    /// It is what the operator wants.
    Accept,
}

/// What is to be done about each kind of finding: what was chosen, and for the others the default,
/// which is to refuse. Only `phase-order` is a warning by default.
///
/// As text: `kind=refuse|warn|accept`, several separated by commas. In a configuration file: a
/// table of them.
///
/// ```
/// use godwit::plan::{Choice, Kind, Policy};
///
/// let policy: Policy = "gap=accept, digest-drift=warn".parse()?;
/// assert_eq!(policy.choice(Kind::Gap), Choice::Accept);
/// assert_eq!(policy.choice(Kind::DigestDrift), Choice::Warn);
/// assert_eq!(policy.choice(Kind::Requires), Choice::Refuse);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<Kind, Choice>", into = "BTreeMap<Kind, Choice>")]
pub struct Policy {
    choices: BTreeMap<Kind, Choice>,
}

impl Policy {
    /// What is to be done about `kind`.
    pub fn choice(&self, kind: Kind) -> Choice {
        self.choices.get(&kind).copied().unwrap_or(match kind {
            Kind::PhaseOrder => Choice::Warn,
            _ => Choice::Refuse,
        })
    }

    /// Chooses what is to be done about `kind`.
    ///
    /// ```
    /// use godwit::plan::{Choice, Kind, Policy};
    ///
    /// let mut policy = Policy::default();
    /// policy.choose(Kind::Gap, Choice::Accept)?;
    /// assert_eq!(policy.choice(Kind::Gap), Choice::Accept);
    /// assert!(policy.choose(Kind::Cycle, Choice::Accept).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`PolicyError::Fixed`] for a kind that is always refused.
    pub fn choose(&mut self, kind: Kind, choice: Choice) -> Result<(), PolicyError> {
        if !kind.is_choosable() {
            return Err(PolicyError::Fixed { kind });
        }
        self.choices.insert(kind, choice);
        Ok(())
    }

    /// This policy with the choices of `other` taking precedence, as those of the command line do
    /// over those of a file.
    ///
    /// ```
    /// use godwit::plan::{Choice, Kind, Policy};
    ///
    /// let file: Policy = "gap=accept,requires=warn".parse()?;
    /// let flags: Policy = "gap=warn".parse()?;
    /// let both = file.overridden_by(&flags);
    /// assert_eq!(both.choice(Kind::Gap), Choice::Warn);
    /// assert_eq!(both.choice(Kind::Requires), Choice::Warn);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn overridden_by(mut self, other: &Self) -> Self {
        self.choices.extend(&other.choices);
        self
    }
}

/// Occurs when a text is not a policy.
///
/// ```
/// use godwit::plan::{Kind, Policy, PolicyError};
///
/// let error = "cycle=accept".parse::<Policy>().unwrap_err();
/// assert_eq!(error, PolicyError::Fixed { kind: Kind::Cycle });
/// assert!(error.to_string().starts_with("cycle is always refused"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Occurs when a part is not of the form `kind=choice`.
    #[error(
        "`{text}` is not of the form `kind=choice`, with a kind of {}",
        Kind::choosable_names()
    )]
    NotAPair {
        /// What was given.
        text: String,
    },
    /// Occurs when what stands before `=` is no kind.
    #[error(transparent)]
    UnknownKind(#[from] UnknownKind),
    /// Occurs when what stands after `=` is no choice.
    #[error("`{text}` is not a choice for {kind}: refuse, warn, accept")]
    UnknownChoice {
        /// The kind.
        kind: Kind,
        /// What was given.
        text: String,
    },
    /// Occurs for a kind about which there is nothing to choose.
    #[error(
        "{kind} is always refused; a policy can choose {}",
        Kind::choosable_names()
    )]
    Fixed {
        /// The kind.
        kind: Kind,
    },
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        for pair in text.split(',').map(str::trim) {
            let (kind, choice) = parse_pair(pair)?;
            policy.choose(kind, choice)?;
        }
        Ok(policy)
    }
}

fn parse_pair(pair: &str) -> Result<(Kind, Choice), PolicyError> {
    let not_a_pair = || PolicyError::NotAPair {
        text: pair.to_owned(),
    };
    let (kind, choice) = pair.split_once('=').ok_or_else(not_a_pair)?;
    let kind: Kind = kind.trim().parse()?;
    let choice = match choice.trim() {
        "refuse" => Choice::Refuse,
        "warn" => Choice::Warn,
        "accept" => Choice::Accept,
        text => {
            return Err(PolicyError::UnknownChoice {
                kind,
                text: text.to_owned(),
            });
        }
    };
    Ok((kind, choice))
}

impl TryFrom<BTreeMap<Kind, Choice>> for Policy {
    type Error = PolicyError;

    fn try_from(choices: BTreeMap<Kind, Choice>) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        for (kind, choice) in choices {
            policy.choose(kind, choice)?;
        }
        Ok(policy)
    }
}

impl From<Policy> for BTreeMap<Kind, Choice> {
    fn from(policy: Policy) -> Self {
        policy.choices
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Refuse => "refuse",
            Self::Warn => "warn",
            Self::Accept => "accept",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_parsed_and_the_rest_is_refused() {
        let policy: Policy = "gap=accept, digest-drift = warn".parse().unwrap();
        assert_eq!(policy.choice(Kind::Gap), Choice::Accept);
        assert_eq!(policy.choice(Kind::DigestDrift), Choice::Warn);
        assert_eq!(policy.choice(Kind::LateArrival), Choice::Refuse);
        assert_eq!(policy.choice(Kind::PhaseOrder), Choice::Warn);
    }

    #[test]
    fn errors_say_what_can_be_chosen() {
        let kinds = "invalid-file, gap, digest-drift, late-arrival, requires, dependency, phase-order, grant";
        for (text, message) in [
            (
                "gap",
                format!("`gap` is not of the form `kind=choice`, with a kind of {kinds}"),
            ),
            (
                "",
                format!("`` is not of the form `kind=choice`, with a kind of {kinds}"),
            ),
            (
                "hole=warn",
                format!("`hole` is no kind of finding that a policy can choose: {kinds}"),
            ),
            (
                "gap=maybe",
                "`maybe` is not a choice for gap: refuse, warn, accept".to_owned(),
            ),
            (
                "cycle=accept",
                format!("cycle is always refused; a policy can choose {kinds}"),
            ),
        ] {
            assert_eq!(text.parse::<Policy>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_table_of_choices_is_a_policy() {
        let policy: Policy = serde_json::from_str(r#"{"late-arrival": "accept"}"#).unwrap();
        assert_eq!(policy.choice(Kind::LateArrival), Choice::Accept);
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(text, r#"{"late-arrival":"accept"}"#);
        for bad in [
            r#"{"hole": "warn"}"#,
            r#"{"target": "accept"}"#,
            r#"{"gap": "yes"}"#,
        ] {
            assert!(serde_json::from_str::<Policy>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn later_choices_win() {
        let file: Policy = "gap=accept,requires=warn".parse().unwrap();
        let flags: Policy = "gap=warn".parse().unwrap();
        let both = file.overridden_by(&flags);
        assert_eq!(both.choice(Kind::Gap), Choice::Warn);
        assert_eq!(both.choice(Kind::Requires), Choice::Warn);
    }
}
