//! The tests, in one binary: it is linked once.

#![expect(
    clippy::too_many_lines,
    reason = "transcripts and tables of cases are long"
)]

mod authors;
mod backup_first;
mod backups;
mod catalogue;
mod cli;
mod compression;
mod conformance;
mod contract;
mod documents;
mod down;
mod dry_run;
mod embed;
mod every_k;
mod examples;
mod fused;
mod fuzz;
mod hostile;
mod items;
mod json_text;
mod kills;
mod kit;
mod layering;
mod leases;
mod online;
mod outages;
mod quarantine;
mod results;
mod runs;
mod sandbox;
mod schema;
mod sdks;
mod server;
mod shadow;
mod store_conformance;
mod tables;
mod tls;
mod transfer;
mod undo;
mod way_in;
mod workers;
