//! What an operator wants.

use crate::model::{Name, Phase, Position, Version};

/// Bringing apps up to date, or up to a version.
///
/// ```
/// use godwit::plan::Goal;
///
/// let goal = Goal {
///     app: Some("notes".parse()?),
///     to: Some("2.0.0".parse()?),
///     ..Goal::default()
/// };
/// assert_eq!(goal.phase, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Goal {
    /// The app; `None`: all of the catalogue.
    pub app: Option<Name>,
    /// The last version that is wanted; `None`: the newest. Needs an app when the catalogue has
    /// several.
    pub to: Option<Version>,
    /// The phase; `None`: both.
    pub phase: Option<Phase>,
}

/// Bringing one item up to date, ahead of its collection if need be.
///
/// ```
/// use godwit::model::Version;
/// use godwit::plan::{ItemGoal, Kind, Policy, Recorded, plan_item};
///
/// let goal = ItemGoal {
///     collection: "notes".parse()?,
///     id: "first".to_owned(),
///     version: Version::new(1, 0, 0),
///     next: None,
///     to: None,
/// };
/// let planned = plan_item(&[], &Recorded::default(), &goal, &Policy::default());
/// assert_eq!(planned.findings[0].kind(), Kind::CollectionUnknown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemGoal {
    /// The item's collection.
    pub collection: Name,
    /// The item's id.
    pub id: String,
    /// The version that the item has.
    pub version: Version,
    /// The step that it is due for; `None`: the first one after `version`.
    pub next: Option<Position>,
    /// The last version that is wanted; `None`: the newest.
    pub to: Option<Version>,
}

/// Trying items in quarantine again.
///
/// ```
/// use godwit::model::Version;
/// use godwit::plan::{Kind, Policy, Recorded, RetryGoal, plan_retry};
///
/// let goal = RetryGoal {
///     app: "notes".parse()?,
///     from: Version::new(2, 0, 0),
///     selection: Some(vec![("notes".parse()?, "first".to_owned())]),
/// };
/// let planned = plan_retry(&[], &Recorded::default(), &goal, &Policy::default());
/// assert_eq!(planned.findings[0].kind(), Kind::AppUnknown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryGoal {
    /// The app whose quarantine it is.
    pub app: Name,
    /// The lowest version whose migration an item of the selection failed.
    pub from: Version,
    /// The items, as pairs of collection and id; `None`: all that nobody has accepted.
    pub selection: Option<Vec<(Name, String)>>,
}
