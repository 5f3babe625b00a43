//! Documents to be read: unpacked by what a file holds, not by its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, IsTerminal, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use godwit::model::Digest;

use crate::exit::Failure;
use crate::output;

/// How much of a file's start tells it apart from others, together with its length: enough for real
/// documents to differ, little enough to be read twice.
const IDENTITY_BYTES: u64 = 1 << 20;

/// How much is unpacked at once.
const BUFFER_BYTES: usize = 256 << 10;

/// The longest magic number.
const MAGIC_BYTES: u64 = 6;

/// Documents to be read.
pub struct Input {
    /// What to call it, for people.
    pub name: String,
    /// The documents, unpacked.
    pub reader: Box<dyn BufRead + Send>,
    /// How many bytes there are before they are unpacked, where that is known.
    pub length: Option<u64>,
    /// What tells it apart from other files; a stream has nothing of the kind.
    pub source: Option<Digest>,
    position: Arc<AtomicU64>,
}

impl Input {
    /// Opens a file, or standard input as `-`.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            if io::stdin().is_terminal() {
                output::note("reading documents from the terminal, one a line; Ctrl-D ends them");
            }
            return Self::new("standard input".to_owned(), io::stdin(), None, None);
        }
        let name = path.display().to_string();
        let unreadable = |error| unreadable(&name, &error);
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            let hint = "name a file of documents, one a line";
            return Err(Failure::input(format!("{name} is a folder"), hint));
        }
        if !metadata.is_file() {
            return Self::new(name, file, None, None);
        }
        let source = identify(&mut file, metadata.len()).map_err(unreadable)?;
        Self::new(name, file, Some(metadata.len()), Some(source))
    }

    /// How many bytes were read, before they were unpacked.
    pub fn position(&self) -> impl Fn() -> u64 + use<> {
        let position = self.position.clone();
        move || position.load(Ordering::Relaxed)
    }

    fn new(
        name: String,
        stream: impl Read + Send + 'static,
        length: Option<u64>,
        source: Option<Digest>,
    ) -> Result<Self, Failure> {
        let position = Arc::new(AtomicU64::new(0));
        let mut counted = BufReader::with_capacity(BUFFER_BYTES, Counted(stream, position.clone()));
        let mut magic = Vec::new();
        let peeked = counted.by_ref().take(MAGIC_BYTES).read_to_end(&mut magic);
        peeked.map_err(|error| unreadable(&name, &error))?;
        let kind = kind(&magic);
        let whole = Cursor::new(magic).chain(counted);
        let reader: Box<dyn BufRead + Send> = match kind {
            Kind::Plain => Box::new(whole),
            Kind::Gzip => Box::new(BufReader::with_capacity(
                BUFFER_BYTES,
                MultiGzDecoder::new(whole),
            )),
            Kind::Zstd => {
                let decoder = zstd::Decoder::with_buffer(whole);
                let decoder = decoder.map_err(|error| unreadable(&name, &error))?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
            }
            Kind::Foreign { format, command } => {
                let message = format!("{name} is {format}, which is not read as it is");
                let hint = format!("unpack it on the way: {command} FILE | godwit import …");
                return Err(Failure::input(message, hint));
            }
        };
        Ok(Self {
            name,
            reader,
            length,
            source,
            position,
        })
    }
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::input(
        format!("{name} cannot be read: {error}"),
        "check the path and its permissions",
    )
}

/// What tells a file apart from others: its length and its start, as they lie on the disk.
fn identify(file: &mut File, length: u64) -> io::Result<Digest> {
    let mut start = length.to_be_bytes().to_vec();
    file.take(IDENTITY_BYTES).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(Digest::of(&start))
}

/// What a file holds.
enum Kind {
    Plain,
    Gzip,
    Zstd,
    /// Something with documents in it, perhaps; what unpacks it.
    Foreign {
        format: &'static str,
        command: &'static str,
    },
}

fn kind(magic: &[u8]) -> Kind {
    let foreign = |format, command| Kind::Foreign { format, command };
    match magic {
        [0x1f, 0x8b, ..] => Kind::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::Zstd,
        // A skippable frame, with which parallel packers start.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Kind::Zstd,
        [b'B', b'Z', b'h', ..] => foreign("a bzip2 archive", "bzcat"),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => foreign("an xz archive", "xzcat"),
        [b'P', b'K', 3, 4, ..] => foreign("a zip archive", "unzip -p"),
        _ => Kind::Plain,
    }
}

/// Counts what is read.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::{Packed, Packing};
    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(parts: &[&str]) -> Vec<u8> {
        let mut packed = Packed::new(Vec::new(), Packing::Zstd).unwrap();
        parts
            .iter()
            .for_each(|part| packed.write_all(part.as_bytes()).unwrap());
        packed.finish().unwrap()
    }

    fn open(name: &str, bytes: &[u8]) -> Result<Input, Failure> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Input::open(&path)
    }

    fn read(name: &str, bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        open(name, bytes)
            .unwrap()
            .reader
            .read_to_string(&mut text)
            .map(|_| text)
    }

    #[test]
    fn files_are_unpacked_by_what_they_hold() {
        let members = [gzip("one\n"), gzip("two\n")].concat();
        let frames = zstd(&["one\n", "two\n"]);
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &frames].concat();
        for bytes in [&members, &frames, &skippable, &b"one\ntwo\n".to_vec()] {
            assert_eq!(read("any.name", bytes).unwrap(), "one\ntwo\n");
        }
        for short in ["", "{", "1"] {
            assert_eq!(read("short.gz", short.as_bytes()).unwrap(), short);
        }
        assert_eq!(read("empty.zst", &zstd(&[])).unwrap(), "");
    }

    #[test]
    fn a_truncated_archive_is_an_error_and_not_a_short_file() {
        let text = (0..10_000)
            .map(|number| format!("{number}\n"))
            .collect::<String>();
        for packed in [gzip(&text), zstd(&[&text])] {
            for end in [8, packed.len() / 2, packed.len() - 1] {
                let error = read("cut", &packed[..end]).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{end}: {error}");
            }
        }
    }

    #[test]
    fn foreign_archives_are_named_with_what_unpacks_them() {
        for (magic, expected) in [
            (&b"BZh91AY&SY"[..], "bzip2"),
            (b"\xfd7zXZ\0\0", "xz"),
            (b"PK\x03\x04\x14", "zip"),
        ] {
            let Err(Failure::Input { message, .. }) = open("file", magic) else {
                panic!()
            };
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_file_is_told_apart_by_its_start_and_its_length() {
        let source = |bytes: &[u8]| open("file", bytes).unwrap().source.unwrap();
        assert_eq!(source(b"one"), source(b"one"));
        assert_ne!(source(b"one"), source(b"onf"));
        assert_ne!(source(b""), source(b"\0"));
        let long = vec![b'x'; 3 << 20];
        assert_ne!(source(&long), source(&long[1..]));
    }
}
