//! What an application does, and what a store has as it is seen from above.

use std::ops::ControlFlow;

use godwit::HostError;
use godwit::blocking::Host;
use godwit::model::Name;
use godwit_tests::world::{items, version};
use serde_json::json;

pub fn name(text: &str) -> Name {
    godwit_tests::world::name(text)
}

/// Something that an application does to `items`.
#[derive(Debug, Clone)]
pub enum Step {
    Put(String, String),
    Delete(String),
}

impl Step {
    pub fn id(&self) -> &str {
        match self {
            Self::Put(id, _) | Self::Delete(id) => id,
        }
    }

    pub fn is_done(&self, host: &Host) -> Result<bool, HostError> {
        let there = host.store().body(&name("items"), self.id())?;
        Ok(match self {
            Self::Put(_, body) => there.as_deref() == Some(body.as_bytes()),
            Self::Delete(_) => there.is_none(),
        })
    }

    pub fn carry_out(&self, host: &Host) {
        self.try_out(host).unwrap();
    }

    pub fn try_out(&self, host: &Host) -> Result<(), HostError> {
        let collection = name("items");
        match self {
            Self::Put(id, body) => host.put(&collection, id, &version("1.0.0"), body.as_bytes()),
            Self::Delete(id) => host.delete(&collection, id).map(drop),
        }
    }
}

/// Steps at random, the same for the same seed: over `items` ids that are there, and some that are not.
pub fn random_steps(seed: u64, count: usize, items: u64) -> Vec<Step> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: u64| {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let step = |number: usize| {
        let id = format!("{:02}", next(items + items / 4));
        let what = match next(6) {
            0 | 1 => return Step::Delete(id),
            2 => json!({"2.0.0/apply": [["remove"]]}),
            3 => json!({"2.0.0/apply": [["keep"]], "3.0.0/apply": [["keep"]]}),
            4 => json!({"3.0.0/look": [["count", "notes", "all"]]}),
            _ => json!({}),
        };
        let body = json!({"_id": id, "written": number, "do": what}).to_string();
        Step::Put(id, body)
    };
    (0..count).map(step).collect()
}

/// What there is, from above: collections, items with their versions, entries, index entries, tallies.
pub fn logical(host: &Host) -> Vec<String> {
    let store = host.store();
    let mut lines = Vec::new();
    for (collection, record) in store.collections().unwrap() {
        let tallies = store.tallies(&collection).unwrap();
        lines.push(format!(
            "{collection} {:?} {:?} {tallies:?}",
            record.app, record.level
        ));
        let found = items(store, collection.as_str());
        assert_eq!(found.len() as u64, tallies.items, "{collection}");
        lines.extend(found.into_iter().map(|item| format!("{collection} {item}")));
        for tag in ["X", "I"] {
            let from = format!("{tag}{collection}\0");
            let to = format!("{tag}{collection}\u{1}");
            store
                .backend()
                .scan(from.as_bytes(), to.as_bytes(), &mut |key, _| {
                    lines.push(key.escape_ascii().to_string());
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
    }
    lines
}
