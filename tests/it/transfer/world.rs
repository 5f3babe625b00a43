//! A store to import into, and what is looked at afterwards.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;
use godwit::model::{Clock, Name, Timestamp};
use godwit::run::Control;
use godwit::store::{Backend, Claim, Holder, Lease, Lmdb, Memory, OpenMode, Sled, Store, Tallies};
use godwit::transfer::{
    Exporter, ImportCounts, ImportError, ImportReport, ImportSettings, Importer,
};
use godwit_tests::store_conformance::{Entries, all};
use tempfile::TempDir;

/// The key of the lease, which nobody compares.
const LEASE: &[u8] = b"L";

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Settings for the collection `notes` of the app `app`.
pub fn settings(version: &str) -> ImportSettings {
    ImportSettings::new(name("app"), name("notes"), Some(version.parse().unwrap()))
}

/// A store with its lease.
pub struct World {
    pub store: Store,
    pub lease: Lease,
    _folder: TempDir,
}

impl World {
    /// An empty store in memory.
    pub fn new() -> Self {
        Self::on(|_| Arc::new(Memory::new()))
    }

    /// An empty store of each kind.
    pub fn of_each_kind() -> [Self; 3] {
        [
            Self::new(),
            Self::on(|path| Arc::new(Sled::open(path, OpenMode::Create).unwrap())),
            Self::on(|path| Arc::new(Lmdb::open(path, OpenMode::Create).unwrap())),
        ]
    }

    fn on(open: impl Fn(&Path) -> Arc<dyn Backend>) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::new(open(&folder.path().join("store"))).unwrap();
        let lease = lease(&store);
        Self {
            store,
            lease,
            _folder: folder,
        }
    }

    /// Imports all of `input`.
    pub fn import(&mut self, settings: &ImportSettings, input: &str) -> ImportReport {
        self.try_import(settings, input).unwrap()
    }

    pub fn try_import(
        &mut self,
        settings: &ImportSettings,
        input: &str,
    ) -> Result<ImportReport, ImportError> {
        self.import_with(
            settings,
            &mut input.as_bytes(),
            &Control::default(),
            &|_| {},
        )
    }

    pub fn import_with(
        &mut self,
        settings: &ImportSettings,
        input: &mut dyn BufRead,
        control: &Control,
        observer: &dyn Fn(&ImportCounts),
    ) -> Result<ImportReport, ImportError> {
        self.import_at(&(|| Timestamp(1)), settings, input, control, observer)
    }

    pub fn import_at(
        &mut self,
        clock: &dyn Clock,
        settings: &ImportSettings,
        input: &mut dyn BufRead,
        control: &Control,
        observer: &dyn Fn(&ImportCounts),
    ) -> Result<ImportReport, ImportError> {
        let importer = Importer {
            store: &self.store,
            clock,
            settings,
            way_in: None,
            control,
            observer,
        };
        importer.import(&mut self.lease, input)
    }

    /// The lines of `notes`.
    pub fn export(&self) -> String {
        let collection = name("notes");
        let mut exporter = Exporter::new(&self.store, &collection, None).unwrap();
        let mut lines = Vec::new();
        let report = exporter
            .write_to(&mut lines, &Control::default(), &|_| {})
            .unwrap();
        assert!(report.done);
        assert_eq!(report.bytes, lines.len() as u64);
        String::from_utf8(lines).unwrap()
    }

    /// Everything in the store but the lease.
    pub fn entries(&self) -> Entries {
        all(self.store.backend())
            .into_iter()
            .filter(|(key, _)| key != LEASE)
            .collect()
    }

    /// The version of an item of `notes`, and of its entry of being apart.
    pub fn versions(&self, id: &str) -> (String, Option<String>) {
        let notes = name("notes");
        let item = self.store.item(&notes, id).unwrap().unwrap();
        let apart = self.store.apart(&notes, id).unwrap();
        (
            item.version.to_string(),
            apart.map(|apart| apart.version.to_string()),
        )
    }

    pub fn tallies(&self) -> Tallies {
        self.store.tallies(&name("notes")).unwrap()
    }
}

pub fn lease(store: &Store) -> Lease {
    let claim = Claim {
        holder: Holder {
            name: "test".to_owned(),
            process: None,
        },
        purpose: "import",
        duration: Lease::DURATION,
        nonce: 1,
        is_gone: &|_| true,
    };
    Lease::acquire(store, &(|| Timestamp(1)), &claim).unwrap()
}

/// The first `count` real documents.
pub fn documents(count: usize) -> Vec<String> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../plugins/examples/data/bcd-features.ndjson.gz"
    );
    let file = BufReader::new(GzDecoder::new(std::fs::File::open(path).unwrap()));
    file.lines().take(count).map(Result::unwrap).collect()
}

/// Fails behind the bytes it has.
pub struct Cut<'a>(pub &'a [u8]);

impl Read for Cut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}
