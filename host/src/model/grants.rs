//! What migrations may reach beside what they are fed: the operator's key.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Name, NameError};

/// Which collections migrations may read and write through `documents`, of those that their steps ask
/// for. It takes both: what a step does not ask for it does not get, whatever is granted here.
///
/// ```
/// use godwit::model::{Access, Grants, Name};
///
/// let [notes, users]: [Name; 2] = ["notes".parse()?, "users".parse()?];
/// let mut grants = Grants::default();
/// grants.add("notes:users:read".parse()?);
/// let may = |access| grants.allow(&notes, &notes, &users, Some(&users), access);
/// assert!(may(Access::Read));
/// assert!(!may(Access::Write));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// What every migration gets.
    pub default: DefaultGrant,
    /// What the migrations of an app get beside that.
    pub apps: BTreeMap<Name, Granted>,
}

/// What every migration gets of what it asks for.
///
/// ```
/// use godwit::model::{Access, DefaultGrant, Grants, Name};
///
/// let [notes, tags]: [Name; 2] = ["notes".parse()?, "tags".parse()?];
/// let may = |grants: &Grants| grants.allow(&notes, &notes, &tags, Some(&notes), Access::Write);
/// assert!(may(&Grants::default()));
/// let strict = Grants {
///     default: DefaultGrant::Nothing,
///     ..Grants::default()
/// };
/// assert!(!may(&strict));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultGrant {
    /// The collections of its own app, which is what it is there to change.
    #[default]
    Own,
    /// The collection that it is fed from, and no other.
    Nothing,
}

/// Collections that an app's migrations may reach.
///
/// ```
/// use godwit::model::{Granted, Grants};
///
/// let mut grants = Grants::default();
/// grants.add("notes:users:read".parse()?);
/// let granted: &Granted = &grants.apps["notes"];
/// assert!(granted.read.contains("users"));
/// assert!(granted.write.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// Collections that may be read.
    pub read: BTreeSet<Name>,
    /// Collections that may be read and written.
    pub write: BTreeSet<Name>,
}

/// How documents are reached.
///
/// ```
/// use godwit::model::{Access, Grant};
///
/// let grant: Grant = "notes:users:read".parse()?;
/// assert_eq!(grant.access, Access::Read);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// They are read.
    Read,
    /// They are read and written.
    Write,
}

impl Grants {
    /// Whether a step of `app` that is fed from `fed` may reach a collection of `owner` (`None`: it is
    /// not there yet, and would be the app's).
    pub fn allow(
        &self,
        app: &Name,
        fed: &Name,
        collection: &Name,
        owner: Option<&Name>,
        access: Access,
    ) -> bool {
        let is_own = owner.is_none_or(|owner| owner == app);
        if collection == fed || (is_own && self.default == DefaultGrant::Own) {
            return true;
        }
        self.apps
            .get(app)
            .is_some_and(|granted| granted.allows(collection, access))
    }

    /// Grants more.
    pub fn add(&mut self, grant: Grant) {
        let Grant {
            app,
            collection,
            access,
        } = grant;
        let granted = self.apps.entry(app).or_default();
        match access {
            Access::Read => granted.read.insert(collection),
            Access::Write => granted.write.insert(collection),
        };
    }
}

impl Granted {
    fn allows(&self, collection: &Name, access: Access) -> bool {
        let read = access == Access::Read && self.read.contains(collection);
        read || self.write.contains(collection)
    }
}

/// One grant, as text `APP:COLLECTION`, or `APP:COLLECTION:read` where nothing may be written.
///
/// ```
/// use godwit::model::{Access, Grant};
///
/// let grant: Grant = "notes:users".parse()?;
/// assert_eq!(grant.app.as_str(), "notes");
/// assert_eq!(grant.collection.as_str(), "users");
/// assert_eq!(grant.access, Access::Write);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose migrations get it.
    pub app: Name,
    /// What they may reach.
    pub collection: Name,
    /// How.
    pub access: Access,
}

/// Occurs when a text is not a grant.
///
/// ```
/// use godwit::model::{Grant, GrantError};
///
/// let error = "notes".parse::<Grant>().unwrap_err();
/// assert!(matches!(error, GrantError::Form { .. }));
/// let error = "notes:".parse::<Grant>().unwrap_err();
/// assert!(matches!(error, GrantError::Name(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Occurs when it has not two or three parts.
    #[error("`{text}` is not of the form APP:COLLECTION or APP:COLLECTION:read")]
    Form {
        /// What was given.
        text: String,
    },
    /// Occurs when a part is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let parts: Vec<_> = text.split(':').collect();
        let (app, collection, access) = match parts[..] {
            [app, collection] | [app, collection, "write"] => (app, collection, Access::Write),
            [app, collection, "read"] => (app, collection, Access::Read),
            _ => {
                return Err(GrantError::Form {
                    text: text.to_owned(),
                });
            }
        };
        Ok(Self {
            app: app.parse()?,
            collection: collection.parse()?,
            access,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(default: DefaultGrant, texts: &[&str]) -> Grants {
        let mut grants = Grants {
            default,
            ..Grants::default()
        };
        texts
            .iter()
            .for_each(|text| grants.add(text.parse().unwrap()));
        grants
    }

    #[test]
    fn what_is_granted_is_allowed_and_nothing_else() {
        use Access::{Read, Write};
        let [app, other, fed]: [Name; 3] = ["a", "b", "fed"].map(|name| name.parse().unwrap());
        let own = grants(DefaultGrant::Own, &["a:x", "a:y:read", "b:z"]);
        let nothing = Grants {
            default: DefaultGrant::Nothing,
            ..own.clone()
        };
        let cases = [
            ("x", false, Read, true, true),
            ("x", false, Write, true, true),
            ("y", false, Read, true, true),
            ("y", false, Write, false, false),
            ("z", false, Read, false, false),
            ("o", true, Read, true, false),
            ("o", true, Write, true, false),
            ("x", true, Write, true, true),
            ("fed", false, Write, true, true),
        ];
        for (collection, is_own, access, by_own, by_nothing) in cases {
            let collection = collection.parse().unwrap();
            let owner = if is_own { &app } else { &other };
            let allowed =
                |grants: &Grants| grants.allow(&app, &fed, &collection, Some(owner), access);
            assert_eq!(
                (allowed(&own), allowed(&nothing)),
                (by_own, by_nothing),
                "{collection} {is_own} {access:?}"
            );
        }
    }

    #[test]
    fn a_grant_names_app_and_collection() {
        for bad in ["", "a", "a:", ":b", "a:b:c", "a:b:read:d", "a b:c"] {
            assert!(bad.parse::<Grant>().is_err(), "{bad}");
        }
    }
}
