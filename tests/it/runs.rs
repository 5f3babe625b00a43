//! Runs stop when they should, lose nothing, and go on to the same end.

mod breaker;
mod stops;
