//! A disk that loses power: an ext4 file system in an image, shut down without its log.
//!
//! The image is a sparse file on a tmpfs, mounted in a mount namespace of its own, which ends with
//! the process. `EXT4_IOC_SHUTDOWN` with the flag that flushes no log makes everything that was not
//! made durable by then disappear; what happens to be written back before is up to the kernel, and
//! to a helper thread that asks it to write random ranges of the store's files.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Result;
use crate::store_conformance::Dice;

/// `_IOR('X', 125, __u32)`, from `fs/ext4/ext4.h`.
const EXT4_IOC_SHUTDOWN: libc::c_ulong = 0x8004_587D;
/// `EXT4_GOING_FLAGS_NOLOGFLUSH`: neither data nor the journal is written.
const NO_LOG_FLUSH: u32 = 2;
/// Bytes of the image; sparse, so that only what is used takes memory.
const IMAGE_BYTES: u64 = 512 << 20;

/// Why a disk cannot be emulated here.
#[derive(Debug)]
pub struct Missing(pub String);

/// A disk in a folder that nobody else sees.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    mount: PathBuf,
}

impl Disk {
    /// Makes an empty disk. What the process mounts from now on is seen by itself and its children
    /// only; it has to be done before other threads are started.
    ///
    /// # Errors
    /// [`Missing`] with what is not to be had here: root, a mount namespace, ext4, loop devices.
    pub fn make(folder: &Path) -> Result<Self, Missing> {
        hide_mounts().map_err(|error| missing("root, to mount file systems privately", &error))?;
        let memory = mount("tmpfs", folder, "tmpfs");
        memory.map_err(|error| missing("permission to mount a tmpfs", &error))?;
        let disk = Self {
            folder: folder.to_owned(),
            mount: folder.join("disk"),
        };
        disk.format()
            .map_err(|error| missing("mkfs.ext4 (e2fsprogs)", &*error))?;
        let mounted = disk.mount(&[]);
        mounted.map_err(|error| missing("ext4 and loop devices (/dev/loop-control)", &*error))?;
        disk.unmount().map_err(|error| missing("umount", &*error))?;
        let proven = disk.prove();
        proven.map_err(|error| missing("a power cut that loses what was not synced", &*error))?;
        Ok(disk)
    }

    /// Cuts the power once, to see that what was synced is kept and what was not is lost: a
    /// campaign on a disk that loses nothing would prove nothing.
    fn prove(&self) -> Result<()> {
        let is_there = |name: &str| std::fs::read(self.inside(name)).is_ok_and(|file| file == b"x");
        self.mount(&[])?;
        std::fs::write(self.inside("synced"), "x")?;
        File::open(self.inside("synced"))?.sync_all()?;
        File::open(&self.mount)?.sync_all()?;
        std::fs::write(self.inside("not synced"), "x")?;
        self.cut()?;
        self.unmount()?;
        self.mount(&[])?;
        let (kept, lost) = (is_there("synced"), !is_there("not synced"));
        self.unmount()?;
        match (kept, lost) {
            (true, true) => self.format(),
            (false, _) => Err("a file that was synced is gone".into()),
            (_, false) => Err("a file that was not synced is there".into()),
        }
    }

    /// A folder outside of the disk.
    pub fn outside(&self) -> &Path {
        &self.folder
    }

    /// A folder on the disk.
    pub fn inside(&self, name: &str) -> PathBuf {
        self.mount.join(name)
    }

    fn image(&self) -> PathBuf {
        self.folder.join("image")
    }

    fn format(&self) -> Result<()> {
        File::create(self.image())?.set_len(IMAGE_BYTES)?;
        std::fs::create_dir_all(&self.mount)?;
        command(
            Command::new("mkfs.ext4")
                .args(["-q", "-F"])
                .arg(self.image()),
        )
    }

    /// Mounts the disk; the journal replays if it was cut off.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn mount(&self, options: &[&str]) -> Result<()> {
        let options = [&["loop"], options].concat().join(",");
        let mut mount = Command::new("mount");
        command(
            mount
                .args(["-t", "ext4", "-o", &options])
                .arg(self.image())
                .arg(&self.mount),
        )
    }

    /// Unmounts the disk.
    ///
    /// # Errors
    /// When somebody still uses it.
    pub fn unmount(&self) -> Result<()> {
        command(Command::new("umount").arg(&self.mount))
    }

    /// Keeps a copy of the unmounted disk under a name.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn keep(&self, name: &str) -> Result<()> {
        copy_sparse(&self.image(), &self.folder.join(name))
    }

    /// Puts the unmounted disk back as it was when it was kept.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn restore(&self, name: &str) -> Result<()> {
        copy_sparse(&self.folder.join(name), &self.image())
    }

    /// Cuts the power: everything that was not made durable is gone, and nothing more is written.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn cut(&self) -> Result<()> {
        let root = File::open(&self.mount)?;
        // SAFETY: the request reads one `u32` from the address, which outlives the call.
        let answer = unsafe { libc::ioctl(root.as_raw_fd(), EXT4_IOC_SHUTDOWN, &NO_LOG_FLUSH) };
        if answer == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error().into())
        }
    }

    /// Lets the kernel write back random parts of a folder's files until the answer is dropped.
    pub fn write_back(&self, folder: &str, seed: u64) -> WriteBack {
        let (folder, stop) = (self.inside(folder), Arc::new(AtomicBool::new(false)));
        let is_over = stop.clone();
        let thread = thread::spawn(move || {
            let mut dice = Dice::new(seed);
            while !is_over.load(Ordering::Relaxed) {
                // Files come and go, and after the cut none can be opened.
                let _ = write_back_once(&folder, &mut dice);
                thread::sleep(Duration::from_micros(dice.below(5_000) as u64));
            }
        });
        WriteBack {
            stop,
            thread: Some(thread),
        }
    }
}

/// Ends the writing back when it is dropped.
#[derive(Debug)]
pub struct WriteBack {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for WriteBack {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("writing back does not panic");
        }
    }
}

fn write_back_once(folder: &Path, dice: &mut Dice) -> Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    let Some(file) = files.get(dice.below(files.len().max(1))) else {
        return Ok(());
    };
    let file = OpenOptions::new().write(true).open(file)?;
    let pages = (file.metadata()?.len() / 4096 + 1) as usize;
    let start = dice.below(pages) as i64 * 4096;
    let length = (1 + dice.below(64)) as i64 * 4096;
    // SAFETY: the call takes an open file and numbers.
    unsafe {
        libc::sync_file_range(file.as_raw_fd(), start, length, libc::SYNC_FILE_RANGE_WRITE);
    }
    Ok(())
}

/// Takes the process into a mount namespace from which nothing gets out.
fn hide_mounts() -> io::Result<()> {
    // SAFETY: unshare takes a number; it affects this process alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let root = c"/".as_ptr();
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the strings end with a zero byte and outlive the call; the others may be null.
    let answer = unsafe {
        libc::mount(
            c"none".as_ptr(),
            root,
            std::ptr::null(),
            flags,
            std::ptr::null(),
        )
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn mount(what: &str, at: &Path, kind: &str) -> io::Result<()> {
    let text = |text: &str| CString::new(text).map_err(io::Error::other);
    let (what, at, kind) = (text(what)?, text(&at.to_string_lossy())?, text(kind)?);
    // SAFETY: the strings end with a zero byte and outlive the call; there are no options.
    let answer = unsafe {
        libc::mount(
            what.as_ptr(),
            at.as_ptr(),
            kind.as_ptr(),
            0,
            std::ptr::null(),
        )
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn copy_sparse(from: &Path, to: &Path) -> Result<()> {
    command(Command::new("cp").arg("--sparse=always").arg(from).arg(to))
}

fn command(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} ended with {}: {}", output.status, said.trim()).into())
}

fn missing(what: &str, error: &(impl std::fmt::Display + ?Sized)) -> Missing {
    Missing(format!("{what} ({error})"))
}
