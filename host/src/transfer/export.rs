//! Exporting: a collection as lines, ordered by id.

use std::io::{self, Write};
use std::ops::ControlFlow;

use serde::Serialize;

use crate::model::Name;
use crate::run::Control;
use crate::store::{Store, StoreError};

/// Bytes of lines that are gathered in one read of the store: no read goes on for long.
const PAGE_BYTES: usize = 1 << 20;

/// Hands out the bodies of a collection, one a line, ordered by id.
///
/// Each page is a read of its own: items that change meanwhile come as they were before or after.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # host.put(&notes, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use godwit::run::Control;
/// use godwit::transfer::Exporter;
///
/// let mut lines = Vec::new();
/// let mut exporter = Exporter::new(host.store(), &notes, None)?;
/// let report = exporter.write_to(&mut lines, &Control::default(), &|_| {})?;
/// assert!(report.done);
/// assert_eq!(String::from_utf8(lines)?, "{\"title\": \"hello\"}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Exporter<'a> {
    store: &'a Store,
    collection: &'a Name,
    after: Option<String>,
    /// The generation that the items are of.
    generation: u64,
    page_bytes: usize,
}

/// How far an export has come.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # host.put(&notes, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use godwit::run::Control;
/// use godwit::transfer::Exporter;
///
/// let mut exporter = Exporter::new(host.store(), &notes, None)?;
/// let report = exporter.write_to(&mut std::io::sink(), &Control::default(), &|so_far| {
///     println!("{} items, {} bytes", so_far.items, so_far.bytes);
/// })?;
/// assert_eq!((report.items, report.after.as_deref()), (1, Some("first")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ExportReport {
    /// Whether every item was written; otherwise it was stopped, or nobody read on.
    pub done: bool,
    /// The last id that was written.
    pub after: Option<String>,
    /// Items written.
    pub items: u64,
    /// Bytes written, before they are packed.
    pub bytes: u64,
}

/// Why a collection cannot be exported.
///
/// ```
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let host = godwit::Host::builder().backend(backend).open_blocking()?;
/// # let host = host.blocking();
/// use godwit::model::Name;
/// use godwit::transfer::{ExportError, Exporter};
///
/// let notes: Name = "notes".parse()?;
/// let error = Exporter::new(host.store(), &notes, None).unwrap_err();
/// assert!(matches!(error, ExportError::NoCollection { .. }));
/// assert_eq!(error.to_string(), "there is no collection notes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Occurs when there is no such collection.
    #[error("there is no collection {collection}")]
    NoCollection {
        /// Its name.
        collection: Name,
    },
    /// Occurs when the collection's bodies are bytes of any kind, which are no lines.
    #[error("the bodies of {collection} are bytes of any kind; only JSON can be written as lines")]
    Opaque {
        /// The collection.
        collection: Name,
    },
    /// Occurs when the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Occurs when the output failed.
    #[error("the items behind {} cannot be written", .after.as_deref().unwrap_or("the start"))]
    Write {
        /// The last id that was written.
        after: Option<String>,
        /// What the writer said.
        #[source]
        source: io::Error,
    },
}

impl<'a> Exporter<'a> {
    /// Starts behind `after`, or at the first item.
    ///
    /// # Errors
    /// [`ExportError`] when the collection is not there, or its bodies are not JSON.
    pub fn new(
        store: &'a Store,
        collection: &'a Name,
        after: Option<String>,
    ) -> Result<Self, ExportError> {
        match store.collection(collection)? {
            None => Err(ExportError::NoCollection {
                collection: collection.clone(),
            }),
            Some(record) if record.opaque => Err(ExportError::Opaque {
                collection: collection.clone(),
            }),
            Some(_) => Ok(Self {
                store,
                collection,
                after,
                generation: store.generation(collection)?,
                page_bytes: PAGE_BYTES,
            }),
        }
    }

    /// Gathers so many bytes in one read of the store; one item may go beyond.
    ///
    /// ```
    /// # let schema = r#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
    /// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
    /// # let host = builder.open_blocking()?;
    /// # let host = host.blocking();
    /// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # host.put(&notes, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
    /// use godwit::transfer::Exporter;
    ///
    /// # host.put(&notes, "second", &"1.0.0".parse()?, b"{}")?;
    /// let mut exporter = Exporter::new(host.store(), &notes, None)?.with_page_bytes(1);
    /// let mut lines = Vec::new();
    /// assert_eq!(exporter.next_page(&mut lines)?, 1);
    /// assert_eq!(exporter.after(), Some("first"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_page_bytes(self, page_bytes: usize) -> Self {
        Self { page_bytes, ..self }
    }

    /// The last id that was handed out.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Adds the lines of the next items to `lines`, and returns how many they are; 0 at the end.
    ///
    /// ```
    /// # let schema = r#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
    /// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
    /// # let host = builder.open_blocking()?;
    /// # let host = host.blocking();
    /// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # host.put(&notes, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
    /// use godwit::transfer::Exporter;
    ///
    /// let mut exporter = Exporter::new(host.store(), &notes, None)?;
    /// let (mut lines, mut items) = (Vec::new(), 0);
    /// loop {
    ///     match exporter.next_page(&mut lines)? {
    ///         0 => break,
    ///         more => items += more,
    ///     }
    /// }
    /// assert_eq!((items, exporter.after()), (1, Some("first")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ExportError::Store`] when the store cannot be read, or a shadow run has become live since it was begun.
    pub fn next_page(&mut self, lines: &mut Vec<u8>) -> Result<u64, ExportError> {
        let (start, mut items) = (lines.len(), 0);
        let mut last = String::new();
        self.store
            .each_item(self.collection, self.after.as_deref(), &mut |id, record| {
                push_line(lines, record.body);
                items += 1;
                last.clear();
                last.push_str(id);
                let is_full = lines.len() - start >= self.page_bytes;
                if is_full {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
        let generation = Some(self.generation);
        self.store.check_generation(self.collection, generation)?;
        if items > 0 {
            self.after = Some(last);
        }
        Ok(items)
    }

    /// Writes everything that is left to `out`, unless asked to stop; `observer` is told after each
    /// page. A reader that went away (`BrokenPipe`) is not an error: it has seen enough.
    ///
    /// # Errors
    /// [`ExportError`] when the store cannot be read, or the output not written.
    pub fn write_to(
        &mut self,
        out: &mut dyn Write,
        control: &Control,
        observer: &dyn Fn(&ExportReport),
    ) -> Result<ExportReport, ExportError> {
        let mut report = ExportReport {
            after: self.after.clone(),
            ..ExportReport::default()
        };
        let mut lines = Vec::new();
        while !control.is_stopped() {
            lines.clear();
            let items = self.next_page(&mut lines)?;
            let written = out.write_all(&lines).and_then(|()| out.flush());
            match written {
                Ok(()) if items == 0 => {
                    return Ok(ExportReport {
                        done: true,
                        ..report
                    });
                }
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                Err(source) => {
                    return Err(ExportError::Write {
                        after: report.after,
                        source,
                    });
                }
            }
            report.after.clone_from(&self.after);
            report.items += items;
            report.bytes += lines.len() as u64;
            observer(&report);
        }
        Ok(report)
    }
}

/// Adds a body as a line. Strings hold no line breaks as such, so that any in the body lie between
/// its parts, where a space says the same.
fn push_line(lines: &mut Vec<u8>, body: &[u8]) {
    let start = lines.len();
    lines.extend_from_slice(body);
    for byte in &mut lines[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    lines.push(b'\n');
}
