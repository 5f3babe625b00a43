//! How work on a store is directed that has no folder for a socket: by a record, which whoever works looks at.

use serde::{Deserialize, Serialize};

use super::{Commit, Lease, Store, StoreError, Write, key, record};
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

    /// What somebody is asked for.
    pub(crate) fn orders_for<T: serde::de::DeserializeOwned>(
        &self,
        whose: Whose,
    ) -> Result<Orders<T>, StoreError> {
        let known = self.orders::<T>()?.filter(|known| known.whose == whose);
        Ok(known.unwrap_or(Orders {
            whose,
            paused: false,
            cancelled: false,
            pacing: None,
        }))
    }

    /// Changes the orders for whoever is meant; those for anybody else are over.
    pub(crate) fn order<T: Serialize + serde::de::DeserializeOwned>(
        &self,
        whose: &dyn Fn() -> Result<Whose, StoreError>,
        change: &dyn Fn(&mut Orders<T>),
    ) -> Result<Orders<T>, StoreError> {
        loop {
            let old = self.backend().get(key::ORDERS)?;
            let mut orders = self.orders_for(whose()?)?;
            change(&mut orders);
            let mut commit = Commit::new();
            commit.expect(key::ORDERS, old.as_deref());
            commit.put(key::ORDERS, &[&record::to_json(&orders)]);
            match self.backend().commit(&commit) {
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                // The run of whoever was meant may have begun meanwhile.
                Ok(())
                    if matches!(orders.whose, Whose::Lease(_))
                        && matches!(whose()?, Whose::Run(_)) => {}
                Ok(()) => return Ok(orders),
            }
        }
    }

    /// The number of the last lease that was taken, whether it is held or not, and what for.
    pub(crate) fn last_lease(&self) -> Result<Option<(u64, String)>, StoreError> {
        Lease::last(self)
    }
}

impl Write<'_> {
    /// Has what the holder of a lease was asked for be asked of the run that he carries out, whoever may have the lease later.
    /// Gives whether there was anything.
    pub(crate) fn pass_orders(
        &mut self,
        store: &Store,
        holder: u64,
        run: RunId,
    ) -> Result<bool, StoreError> {
        let known = store.backend().get(key::ORDERS)?;
        self.expect(key::ORDERS, known.as_deref());
        let orders = known.map(|known| record::from_json(key::ORDERS, &known));
        let orders: Option<Orders<serde_json::Value>> = orders.transpose()?;
        let Some(orders) = orders.filter(|orders| orders.whose == Whose::Lease(holder)) else {
            return Ok(false);
        };
        let whose = Whose::Run(run);
        let passed = record::to_json(&Orders { whose, ..orders });
        self.put(key::ORDERS, Some(&passed));
        Ok(true)
    }

    /// Forgets the orders that were given to those who carried out a run before.
    pub(crate) fn drop_orders(&mut self) {
        self.put(key::ORDERS, None);
    }
}

/// Whether a key is that of orders.
pub(crate) fn is_of_orders(key: &[u8]) -> bool {
    key == key::ORDERS
}
