//! What the lease is held for that hears nothing, and ends by itself.

pub(super) const ATTACH: &str = "attach";
pub(super) const BACKUP: &str = "backup";
pub(super) const BASELINE: &str = "baseline";
pub(super) const NOTING_ROWS: &str = "noting rows";
pub(super) const PRUNE: &str = "prune";
pub(super) const QUARANTINE_ACCEPT: &str = "quarantine accept";
pub(super) const REPAIR: &str = "repair";
pub(super) const RESTORE: &str = "restore";

#[cfg(unix)]
pub(super) const UNDIRECTED: [&str; 8] = [
    ATTACH,
    BACKUP,
    BASELINE,
    NOTING_ROWS,
    PRUNE,
    QUARANTINE_ACCEPT,
    REPAIR,
    RESTORE,
];
