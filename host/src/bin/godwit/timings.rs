//! Where the time of a run goes: the spans of [`TIMINGS`], added up.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use godwit::run::TIMINGS;
use serde_json::{Value, json};
use tracing::span::Id;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::output;

/// The spans in the order in which they are told: the name, how deep it lies, and what it is.
const SPANS: [(&str, usize, &str); 7] = [
    ("read", 0, "reading items from the store"),
    ("wait", 0, "waiting for threads that transform"),
    ("commit", 0, "committing"),
    ("store", 1, "of it the store itself"),
    ("transform", 0, "transforming, all threads together"),
    ("guest", 1, "of it the plugin, and the way into it and back"),
    ("judge", 1, "of it the host, which reads what came back"),
];

/// The time that spans took, and how many there were, by their names.
static SPENT: Mutex<BTreeMap<&'static str, (Duration, u64)>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// When the spans were entered that this thread is in.
    static ENTERED: RefCell<Vec<Instant>> = const { RefCell::new(Vec::new()) };
}

/// Adds up spans.
struct Stopwatch;

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Stopwatch {
    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        ENTERED.with_borrow_mut(|entered| entered.push(Instant::now()));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let since = ENTERED.with_borrow_mut(Vec::pop);
        let name = context.span(id).map(|span| span.name());
        let (Some(since), Some(name), Ok(mut spent)) = (since, name, SPENT.lock()) else {
            return;
        };
        let (time, count) = spent.entry(name).or_default();
        *time += since.elapsed();
        *count += 1;
    }
}

/// What adds up spans, once it listens.
pub fn layer<S: Subscriber + for<'s> LookupSpan<'s>>() -> impl Layer<S> {
    let is_timing = |metadata: &Metadata<'_>| metadata.target() == TIMINGS;
    Stopwatch.with_filter(filter_fn(is_timing))
}

/// Prints what was added up.
pub fn print() {
    let Ok(spent) = SPENT.lock() else { return };
    let mut rows = vec![["what", "seconds", "times", ""].map(str::to_owned).to_vec()];
    for (name, depth, meaning) in SPANS {
        let (time, count) = spent.get(name).copied().unwrap_or_default();
        rows.push(vec![
            format!("{}{name}", "  ".repeat(depth)),
            format!("{:.3}", time.as_secs_f64()),
            output::count(count),
            meaning.to_owned(),
        ]);
    }
    output::table(&rows);
}

/// What was added up, for programs: seconds, and how often.
pub fn as_json() -> Value {
    let Ok(spent) = SPENT.lock() else {
        return Value::Null;
    };
    let spans = SPANS.iter().map(|(name, ..)| {
        let (time, count) = spent.get(name).copied().unwrap_or_default();
        let told = json!({ "seconds": time.as_secs_f64(), "times": count });
        ((*name).to_owned(), told)
    });
    Value::Object(spans.collect())
}
