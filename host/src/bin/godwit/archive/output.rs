//! Documents to be written, plain or packed.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// How documents are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    Plain,
    Zstd,
}

impl Packing {
    /// What was asked for: by a flag, or by a file's name.
    pub fn of(zstd: bool, path: Option<&Path>) -> Self {
        let is_named = path.is_some_and(|path| path.extension().is_some_and(|end| end == "zst"));
        if zstd || is_named {
            Self::Zstd
        } else {
            Self::Plain
        }
    }
}

impl std::fmt::Display for Packing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Zstd => "zstd",
        })
    }
}

/// Packs what is written. Each write becomes a frame of its own, so that an output that is cut
/// behind any of them is whole, and may be gone on with.
pub struct Packed<W> {
    out: W,
    packer: Option<Compressor<'static>>,
    bytes: u64,
}

impl<W: Write> Packed<W> {
    pub fn new(out: W, packing: Packing) -> io::Result<Self> {
        Self::behind(0, out, packing)
    }

    /// Goes on behind so many bytes that are there already.
    pub fn behind(bytes: u64, out: W, packing: Packing) -> io::Result<Self> {
        let packer = match packing {
            Packing::Plain => None,
            Packing::Zstd => {
                let mut packer = Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL)?;
                packer.set_parameter(CParameter::ChecksumFlag(true))?;
                Some(packer)
            }
        };
        Ok(Self { out, packer, bytes })
    }

    /// How many bytes there are, packed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is written to.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// Ends the output: even that of nothing is an archive.
    pub fn finish(mut self) -> io::Result<W> {
        if self.bytes == 0 {
            self.frame(b"")?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        let packed;
        let bytes = match &mut self.packer {
            Some(packer) => {
                packed = packer.compress(bytes)?;
                &packed
            }
            None => bytes,
        };
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl<W: Write> Write for Packed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.frame(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
