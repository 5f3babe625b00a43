//! How work on a store is directed that has no folder for a socket: by a record, which whoever works looks at.

use serde::{Deserialize, Serialize};

use super::{Commit, Lease, Store, StoreError, Write, key};
use crate::model::RunId;

/// What those who work on a store are asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Orders<T> {
    /// Whom they are for.
    pub whose: Whose,
    /// Whether to wait.
    #[serde(default)]
    pub paused: bool,
    /// Whether to stop.
    #[serde(default)]
    pub cancelled: bool,
    /// How fast to go; `None` where nobody has said anything.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub pacing: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

/// Whom orders are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whose {
    /// Whoever carries out a run, until it ends.
    Run(RunId),
    /// The holder of the lease of a number.
    Lease(u64),
}

impl Store {
    /// The orders that were given last.
    pub(crate) fn orders<T: serde::de::DeserializeOwned>(
        &self,
    ) -> Result<Option<Orders<T>>, StoreError> {
        self.json(key::ORDERS)
    }

    /// Changes the orders for somebody; those for anybody else are over. What whoever holds the lease was asked for is asked of
    /// the run that he has begun since.
    pub(crate) fn order<T: Clone + PartialEq + Serialize + serde::de::DeserializeOwned>(
        &self,
        whose: Whose,
        change: &dyn Fn(&mut Orders<T>),
    ) -> Result<Orders<T>, StoreError> {
        loop {
            let old = self.backend().get(key::ORDERS)?;
            let of_holder = self.lease_number()?.map(Whose::Lease);
            let is_for = |known: &Orders<T>| known.whose == whose || Some(known.whose) == of_holder;
            let mut orders = match self.orders::<T>()?.filter(is_for) {
                Some(known) => Orders { whose, ..known },
                None => Orders {
                    whose,
                    paused: false,
                    cancelled: false,
                    pacing: None,
                },
            };
            let before = orders.clone();
            change(&mut orders);
            if orders == before {
                return Ok(orders);
            }
            let mut commit = Commit::new();
            commit.expect(key::ORDERS, old.as_deref());
            commit.put(key::ORDERS, &[&super::record::to_json(&orders)]);
            match self.backend().commit(&commit) {
                Err(StoreError::Conflict { .. }) => {}
                done => return done.map(|()| orders),
            }
        }
    }

    /// The number of the lease that is held now, if its holder may be directed by it.
    pub(crate) fn lease_number(&self) -> Result<Option<u64>, StoreError> {
        Lease::last_number(self)
    }
}

impl Write<'_> {
    /// Forgets the orders that were given to those who carried out a run before.
    pub(crate) fn drop_orders(&mut self) {
        self.put(key::ORDERS, None);
    }
}
