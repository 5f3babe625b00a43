//! Made to order, with `verify` and `revert`. An item has gone through a step if its list `trail` ends with that.

#![cfg(target_arch = "wasm32")]

use godwit_plugin::{
    Context, Descriptor, Item, Migration, Outcome, Result, Revert, Step, Value, Verify, export,
    json,
};
use scripted::{Order, SIZE};

static ORDER: [u8; SIZE] = scripted::order(
    r#"{"app": "both-ways", "version": "2.0.0", "requires": ">=1, <2", "summary": "goes both ways",
        "steps": [{"name": "apply", "collection": "items"}]}"#,
);

struct BothWays;

export!(BothWays with verify, revert);

impl Migration for BothWays {
    fn describe() -> Descriptor {
        let order = Order::read(&ORDER);
        let mut descriptor = Descriptor::new(order.app, order.version).summary(order.summary);
        descriptor.requires = order.requires;
        for step in order.steps {
            let mut made = Step::rewrite(step.name, step.collection);
            if step.online {
                made = made.online();
            }
            (made.reads, made.writes) = (step.reads, step.writes);
            descriptor.steps.push(made);
        }
        descriptor
    }

    fn migrate(step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
        let mut body = item.json()?;
        let members = body.as_object_mut().ok_or("an item is an object")?;
        if members.get("bad") == Some(&json!(true)) {
            return Err("this item is bad".into());
        }
        let trail = members.entry("trail").or_insert_with(|| json!([]));
        trail
            .as_array_mut()
            .ok_or("`trail` is a list")?
            .push(here(step));
        Ok(Outcome::updated(body))
    }
}

impl Verify for BothWays {
    fn verify(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result<()> {
        let body = item.json()?;
        if body["unsound"] == true {
            return Err("it is unsound".into());
        }
        if body["panics when verified"] == true {
            panic!("this item panics");
        }
        if let Some(other) = body["refers to"].as_str()
            && context.documents().get("people", other)?.is_none()
        {
            return Err(format!("there is no `{other}` in people").into());
        }
        let last = body["trail"].as_array().and_then(|trail| trail.last());
        if last != Some(&here(step)) {
            return Err(format!("its trail does not end with {}", here(step)).into());
        }
        Ok(())
    }
}

impl Revert for BothWays {
    fn revert(step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
        let mut body = item.json()?;
        if body["stuck"] == true {
            return Err("there is no way back".into());
        }
        let members = body.as_object_mut().ok_or("an item is an object")?;
        let Some(trail) = members.get_mut("trail").and_then(Value::as_array_mut) else {
            return Ok(Outcome::Unchanged);
        };
        if trail.last() != Some(&here(step)) {
            return Ok(Outcome::Unchanged);
        }
        trail.pop();
        if trail.is_empty() {
            members.shift_remove("trail");
        }
        Ok(Outcome::updated(body))
    }
}

fn here(step: &str) -> Value {
    json!(format!("{}/{step}", Order::read(&ORDER).version))
}
