//! The migrations that workers carry out, by digest: a worker needs nothing but the store.

use serde::{Deserialize, Serialize};

use super::key::{self, tag};
use super::{Commit, Store, StoreError, record};
use crate::model::Digest;

/// A file's bytes lie in entries of so many: what one commit takes is bounded everywhere.
const PART: usize = 512 << 10;

/// A file on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shelved {
    file: String,
    digest: Digest,
    bytes: usize,
}

impl Store {
    /// Puts files of migrations on the store's shelf, in the place of those that are there. Those of the same digest are
    /// not written again.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// let files = vec![("notes-1.0.0.json".to_owned(), b"{}".to_vec())];
    /// store.shelve(&files)?;
    /// assert_eq!(store.shelved()?, files);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store failed. What was on the shelf stays then.
    pub fn shelve(&self, files: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        let mut index = Vec::new();
        for (file, bytes) in files {
            let digest = Digest::of(bytes);
            let parts = bytes.chunks(PART).zip(0_u32..);
            for (part, number) in parts {
                let place = key::shelf(&digest, number);
                if self.backend().get(&place)?.as_deref() == Some(part) {
                    continue;
                }
                let mut commit = Commit::new();
                commit.put(&place, &[part]);
                self.backend().commit(&commit)?;
            }
            let (file, bytes) = (file.clone(), bytes.len());
            index.push(Shelved {
                file,
                digest,
                bytes,
            });
        }
        let index = record::to_json(&index);
        if self.backend().get(key::SHELF)?.as_ref() == Some(&index) {
            return Ok(());
        }
        let mut commit = Commit::new();
        commit.put(key::SHELF, &[&index]);
        self.backend().commit(&commit)
    }

    /// The digests of the files that were put there.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// use godwit::model::Digest;
    ///
    /// store.shelve(&[("a.wasm".to_owned(), b"bytes".to_vec())])?;
    /// assert_eq!(store.shelved_digests()?, [Digest::of(b"bytes")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn shelved_digests(&self) -> Result<Vec<Digest>, StoreError> {
        let index = self.shelf()?;
        Ok(index.into_iter().map(|shelved| shelved.digest).collect())
    }

    fn shelf(&self) -> Result<Vec<Shelved>, StoreError> {
        Ok(self.json(key::SHELF)?.unwrap_or_default())
    }

    /// The files on the store's shelf, with their names; empty where there are none.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert!(store.shelved()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a file is not what it was when it was put there.
    pub fn shelved(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let index = self.shelf()?;
        let mut files = Vec::new();
        for Shelved {
            file,
            digest,
            bytes: length,
        } in index
        {
            let mut bytes = Vec::new();
            for number in 0_u32.. {
                match self.backend().get(&key::shelf(&digest, number))? {
                    Some(part) if bytes.len() < length => bytes.extend(part),
                    _ => break,
                }
            }
            if Digest::of(&bytes) != digest {
                return Err(StoreError::Damaged {
                    place: format!("{file} on the shelf"),
                    reason: "it is not what was put there; start a worker with --plugins"
                        .to_owned(),
                });
            }
            files.push((file, bytes));
        }
        Ok(files)
    }
}

/// All that there is on the shelf has this tag.
const _: () = assert!(key::SHELF[0] == tag::SHELF);
