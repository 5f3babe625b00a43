//! What authors of migrations need: packing, fixtures, features, checks.

mod checks;
mod features;
mod fixtures;
mod pack;
