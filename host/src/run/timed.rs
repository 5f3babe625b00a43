//! Spans that tell where time goes.

/// Enters a span of [`crate::run::TIMINGS`] that lasts until what it gives back is dropped. One that nobody
/// listens to costs next to nothing.
macro_rules! timed {
    ($name:literal) => {
        tracing::trace_span!(target: $crate::run::TIMINGS, $name).entered()
    };
}
pub(crate) use timed;
