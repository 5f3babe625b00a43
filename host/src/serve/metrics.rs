//! Figures for those who watch, in the format of OpenMetrics, which Prometheus reads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::host::Status;
use crate::run::RunProgress;

/// Which requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    status: u16,
}

/// Which items.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Items {
    collection: String,
    kind: Kind,
}

/// How items are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Kind {
    All,
    Quarantined,
    Accepted,
    Waiting,
}

/// What is counted.
pub(super) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<Answered, Counter>,
    seconds: Histogram,
    items: Family<Items, Gauge>,
    run_read: Gauge,
    run_total: Gauge,
    items_per_second: Gauge<f64, AtomicU64>,
    is_running: Gauge,
    is_ready: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("godwit");
        let metrics = Self {
            requests: Family::default(),
            // From a millisecond to half a minute.
            seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)),
            items: Family::default(),
            run_read: Gauge::default(),
            run_total: Gauge::default(),
            items_per_second: Gauge::default(),
            is_running: Gauge::default(),
            is_ready: Gauge::default(),
            registry: Mutex::default(),
        };
        registry.register(
            "http_requests",
            "Requests that were answered",
            metrics.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "How long answers took",
            metrics.seconds.clone(),
        );
        registry.register("items", "Items of collections", metrics.items.clone());
        registry.register(
            "run_items_read",
            "Items read by the run",
            metrics.run_read.clone(),
        );
        registry.register(
            "run_items_total",
            "Items that the run is to read",
            metrics.run_total.clone(),
        );
        let rate = metrics.items_per_second.clone();
        registry.register("run_items_per_second", "How fast the run is", rate);
        registry.register(
            "run_going_on",
            "Whether a run goes on",
            metrics.is_running.clone(),
        );
        registry.register(
            "ready",
            "Whether the application may serve",
            metrics.is_ready.clone(),
        );
        Self {
            registry: Mutex::new(registry),
            ..metrics
        }
    }
}

impl Metrics {
    /// Counts an answer, which took so many milliseconds.
    pub(super) fn answered(&self, method: &Method, status: StatusCode, took: u64) {
        // Others that somebody made up are not kept apart.
        let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"];
        let method = known.into_iter().find(|known| method.as_str() == *known);
        let answered = Answered {
            method: method.unwrap_or("other").to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&answered).inc();
        self.seconds.observe(took as f64 / 1_000.0);
    }

    /// Everything as text, with what the store says now.
    pub(super) fn text(
        &self,
        status: &Status,
        progress: Option<&RunProgress>,
        is_ready: bool,
    ) -> String {
        for collection in &status.collections {
            let tallies = collection.tallies;
            let kinds = [
                (Kind::All, tallies.items),
                (Kind::Quarantined, tallies.open),
                (Kind::Accepted, tallies.accepted),
                (Kind::Waiting, tallies.waiting),
            ];
            for (kind, count) in kinds {
                let items = Items {
                    collection: collection.collection.to_string(),
                    kind,
                };
                self.items.get_or_create(&items).set(signed(count));
            }
        }
        let is_running =
            progress.is_some_and(|progress| progress.state == crate::model::RunState::Running);
        self.run_read
            .set(signed(progress.map_or(0, |progress| progress.read)));
        self.run_total
            .set(signed(progress.map_or(0, |progress| progress.total)));
        let rate = progress.and_then(|progress| progress.items_per_second);
        self.items_per_second.set(rate.unwrap_or(0.0));
        self.is_running.set(is_running.into());
        self.is_ready.set(is_ready.into());
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // A string takes everything.
        let _ = encode(&mut text, &registry);
        text
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
