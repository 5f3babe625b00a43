//! Where a campaign has its stores: each in a folder, or in a database of a server that is the campaign's own.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use godwit::store::{OpenMode, Store, StoreUrl};
use tempfile::TempDir;

use super::Result;
use super::process::copy_folder;
use crate::postgres::Server;

/// The kinds of stores that there are.
pub const KINDS: [&str; 3] = ["lmdb", "sled", "postgres"];

/// How long a server may take to notice that a process has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stores of one kind, by name. What is called `a/b` belongs to `a`.
pub struct Stores {
    scheme: String,
    folder: PathBuf,
    server: Option<Server>,
}

impl Stores {
    /// Has stores of a kind in a folder, or on a server that is started for them.
    pub fn new(scheme: &str, folder: &Path) -> Self {
        Self {
            scheme: scheme.to_owned(),
            folder: folder.to_owned(),
            server: (scheme == "postgres").then(Server::start),
        }
    }

    /// The URL of a store.
    pub fn url(&self, name: &str) -> String {
        match &self.server {
            Some(server) => server.url_in(&database(name)),
            None => format!("{}:{}", self.scheme, self.folder.join(name).display()),
        }
    }

    /// Has there be a place for a store that somebody else makes.
    pub fn make_room(&self, name: &str) {
        if let Some(server) = &self.server {
            server.psql(&format!("CREATE DATABASE \"{}\"", database(name)));
        }
    }

    /// Opens a store that is there. A server carries out what a process had sent that was killed; it is waited for.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self, name: &str) -> Result<Store> {
        self.wait_for_rest(name);
        let url: StoreUrl = self.url(name).parse()?;
        Ok(Store::new(url.open(OpenMode::Existing)?)?)
    }

    /// Makes a store that is what another one is, which nobody uses meanwhile.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn copy(&self, from: &str, to: &str) -> Result<()> {
        let Some(server) = &self.server else {
            return copy_folder(&self.folder.join(from), &self.folder.join(to));
        };
        let [from, to] = [from, to].map(database);
        server.psql(&format!("CREATE DATABASE \"{to}\" TEMPLATE \"{from}\""));
        Ok(())
    }

    /// Waits until a server has done whatever those who were killed wanted of a store.
    fn wait_for_rest(&self, name: &str) {
        if let Some(server) = &self.server {
            let query = format!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND backend_type = 'client backend'",
                database(name)
            );
            let started = Instant::now();
            while server.psql(&query) != "0" && started.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// What is left on a server of drafts for a store.
    pub fn drafts(&self, name: &str) -> Vec<String> {
        let query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%restoring%'";
        let found = self.server.as_ref();
        let found = found.map(|server| server.psql_in(&database(name), query));
        let found = found.unwrap_or_default();
        found.lines().map(str::to_owned).collect()
    }

    /// Leaves the stores that are there; gives where they are.
    pub fn keep(self, folder: TempDir) -> PathBuf {
        let folder = folder.keep();
        self.server.map_or(folder, Server::keep)
    }

    /// Removes a store, if there is one, with what belongs to it.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        if path.exists() {
            std::fs::remove_dir_all(path)?;
        }
        let Some(server) = &self.server else {
            return Ok(());
        };
        let name = database(name);
        let query = format!(
            "SELECT datname FROM pg_database WHERE datname = '{name}' OR starts_with(datname, '{name}.')"
        );
        for found in server.psql(&query).lines() {
            // Whoever was killed a moment ago may still have a connection.
            server.psql(&format!("DROP DATABASE \"{found}\" WITH (FORCE)"));
        }
        Ok(())
    }
}

/// The database that a store of a name is in.
fn database(name: &str) -> String {
    name.replace('/', ".")
}
