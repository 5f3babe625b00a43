//! What the environment says.

use std::path::PathBuf;

/// Where compiled components are to be kept, if the environment says so.
pub fn named_cache() -> Option<PathBuf> {
    path("GODWIT_CACHE")
}

/// Where a user's programs keep what can be made again (XDG Base Directory Specification).
pub fn users_cache() -> Option<PathBuf> {
    let home = || Some(path("HOME")?.join(".cache"));
    let folder = path("XDG_CACHE_HOME").or_else(home)?;
    folder.is_absolute().then(|| folder.join("godwit"))
}

fn path(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).filter(|path| !path.is_empty());
    path.map(PathBuf::from)
}
