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
    /// The workers that carry a run out, whoever of them has the lease, until it ends.
    Run(RunId),
    /// The holder of the lease of a number: of the one that he works alone under, or that of workers who have no run yet.
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
    /// Has what the holder of a lease was asked for be asked of all who carry the run out that he begins, whoever may have the
    /// lease later.
    pub(crate) fn pass_orders(
        &mut self,
        store: &Store,
        holder: u64,
        run: RunId,
    ) -> Result<(), StoreError> {
        if let Some(orders) = self.orders_for(store, Whose::Lease(holder))? {
            let whose = Whose::Run(run);
            let passed = record::to_json(&Orders { whose, ..orders });
            self.put(key::ORDERS, Some(&passed));
        }
        Ok(())
    }

    /// Forgets what those were asked for who carried a run out.
    pub(crate) fn drop_orders(&mut self, store: &Store, run: RunId) -> Result<(), StoreError> {
        if self.orders_for(store, Whose::Run(run))?.is_some() {
            self.put(key::ORDERS, None);
        }
        Ok(())
    }

    /// What somebody is asked for, which stays so until this is committed.
    fn orders_for(
        &mut self,
        store: &Store,
        whose: Whose,
    ) -> Result<Option<Orders<serde_json::Value>>, StoreError> {
        let known = store.backend().get(key::ORDERS)?;
        self.expect(key::ORDERS, known.as_deref());
        let orders = known.map(|known| record::from_json(key::ORDERS, &known));
        let orders: Option<Orders<_>> = orders.transpose()?;
        Ok(orders.filter(|orders| orders.whose == whose))
    }
}

/// Whether a key is that of orders.
pub(crate) fn is_of_orders(key: &[u8]) -> bool {
    key == key::ORDERS
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Timestamp;
    use crate::store::{Claim, Holder, Memory};

    fn order(store: &Store, whose: Whose) {
        let ordered = store.order::<()>(&|| Ok(whose), &|orders| orders.paused = true);
        assert!(ordered.unwrap().paused);
    }

    fn orders(store: &Store) -> Option<Whose> {
        store.orders::<()>().unwrap().map(|orders| orders.whose)
    }

    fn leased(store: &Store) -> Lease {
        let claim = Claim {
            holder: Holder {
                name: "it".to_owned(),
                process: None,
            },
            purpose: "up",
            duration: 15_000,
            nonce: 7,
            is_gone: &|_| false,
        };
        Lease::acquire(store, &|| Timestamp(0), &claim).unwrap()
    }

    #[test]
    fn whoever_is_the_first_to_have_a_store_has_no_orders() {
        let store = Store::new(Arc::new(Memory::new())).unwrap();
        // As a restored one has them.
        order(&store, Whose::Lease(1));
        let lease = leased(&store);
        assert_eq!(orders(&store), None);
        order(&store, Whose::Lease(lease.number()));
        lease.release(&store).unwrap();
        assert_eq!(leased(&store).number(), 2);
        assert_eq!(orders(&store), Some(Whose::Lease(1)), "nobody's by now");
    }

    #[test]
    fn what_was_asked_of_those_who_carried_out_another_run_is_kept() {
        let store = Store::new(Arc::new(Memory::new())).unwrap();
        let mut lease = leased(&store);
        let [one, other] = [1, 2].map(|id| Whose::Run(RunId(id)));
        let own = Whose::Lease(lease.number());
        for (whose, left) in [(one, None), (other, Some(other)), (own, Some(own))] {
            order(&store, whose);
            let mut write = store.write(RunId(1), None);
            write.drop_orders(&store, RunId(1)).unwrap();
            write.commit(&mut lease, Timestamp(0)).unwrap();
            assert_eq!(orders(&store), left);
        }
    }
}
