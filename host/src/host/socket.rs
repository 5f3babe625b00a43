//! A local socket by which other processes of the machine direct the work that goes on.
//!
//! It lies in the store's folder while somebody holds the lease, so that nobody else listens there. A request is a JSON
//! object in a line, and so is its answer.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::num::NonZeroU32;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Host, with_causes};
use crate::run::{Control, Pacing, RunProgress};

/// The socket's name in its folder.
const NAME: &str = "control.sock";
/// Nobody who connects may keep others waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// What has no pace.
const UNPACED: [&str; 2] = ["import", "undo"];
/// No request is longer.
const LONGEST: u64 = 64 << 10;

/// What whoever works on a store can be asked for.
///
/// ```
/// # fn example(folder: &std::path::Path) -> Result<(), godwit::SocketError> {
/// use godwit::Request;
///
/// // Whoever works on the store in the folder rests half of the time from now on.
/// let throttle = Request::Throttle { items_per_second: None, duty: Some(50), rest: 0 };
/// let answer = throttle.send(folder)?;
/// assert_eq!(answer.pacing.duty, Some(50));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// To say how far it is.
    Progress,
    /// To wait, and keep the lease.
    Pause,
    /// To go on after a pause.
    Resume,
    /// To stop, as on Ctrl-C.
    Cancel,
    /// To work no faster than this; what is not named is not limited any more.
    Throttle {
        /// So many items a second at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        items_per_second: Option<NonZeroU32>,
        /// So many percent of the time at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duty: Option<u8>,
        /// Milliseconds of rest after each batch of each thread.
        #[serde(default)]
        rest: u64,
    },
    /// To feed so many bytes of documents at once.
    Batch {
        /// The bytes; `None`: as many as without this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
    },
}

/// What is answered: how the work is directed by now.
///
/// ```
/// # use godwit::{catalogue::*, store::*};
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let mut host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
/// # let folder = tempfile::tempdir()?;
/// # host.control_folder = Some(folder.path().to_owned());
/// # let control = godwit::run::Control::default();
/// # host.directed("import", &control, || -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::Request;
///
/// let answer = Request::Pause.send(folder.path())?;
/// assert_eq!(answer.purpose, "import");
/// assert_eq!(answer.holds, ["paused"]);
/// # Ok(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What the lease was taken for, as in `up`.
    pub purpose: String,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// Why it waits, or will as soon as the batch in flight is committed; empty where it does not.
    pub holds: Vec<String>,
    /// How fast it may go.
    pub pacing: Pacing,
    /// How far the run is, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<RunProgress>,
}

/// Why a request was not answered.
///
/// ```
/// use godwit::{Request, SocketError};
///
/// let folder = tempfile::tempdir()?;
/// let error = Request::Progress.send(folder.path()).unwrap_err();
/// assert!(matches!(error, SocketError::Nobody(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Occurs when no process works on the store, or none that listens.
    #[error("nobody works on the store in {}", .0.display())]
    Nobody(PathBuf),
    /// Occurs when the request is refused.
    #[error("it was refused: {0}")]
    Refused(String),
    /// Occurs when the socket failed.
    #[error("whoever works on the store cannot be reached")]
    Failed(#[from] io::Error),
}

/// What goes over the socket: an answer, or why there is none.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Answer(Box<Answer>),
    Refused(String),
}

impl Request {
    /// Asks whoever works on the store in a folder.
    ///
    /// ```
    /// # use godwit::{catalogue::*, store::*};
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let mut host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
    /// # let folder = tempfile::tempdir()?;
    /// # host.control_folder = Some(folder.path().to_owned());
    /// # let control = godwit::run::Control::default();
    /// # host.directed("import", &control, || -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::Request;
    ///
    /// // Some process imports into the store in the folder.
    /// let answer = Request::Progress.send(folder.path())?;
    /// assert!(answer.holds.is_empty() && !answer.is_stopping);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SocketError::Nobody`] when there is no such process.
    pub fn send(&self, folder: &Path) -> Result<Answer, SocketError> {
        let nobody = |error: io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                SocketError::Nobody(folder.to_owned())
            }
            _ => SocketError::Failed(error),
        };
        let place = Place::of(folder).map_err(nobody)?;
        let mut stream = UnixStream::connect(place.path()).map_err(nobody)?;
        stream.set_read_timeout(Some(PATIENCE * 5))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        write_line(&mut stream, self)?;
        match read_line(stream)? {
            Reply::Answer(answer) => Ok(*answer),
            Reply::Refused(reason) => Err(SocketError::Refused(reason)),
        }
    }

    /// Whether it can be asked of work for a purpose; else why not.
    pub(super) fn check(self, purpose: &str) -> Result<(), String> {
        let is_of_runs = matches!(self, Self::Throttle { .. } | Self::Batch { .. });
        if is_of_runs && UNPACED.contains(&purpose) {
            return Err(format!(
                "{purpose} can be paused and cancelled, and not slowed down"
            ));
        }
        let most = Pacing::MAX_BATCH_BYTES;
        match self {
            Self::Throttle {
                duty: Some(duty), ..
            } if !(1..=100).contains(&duty) => Err("duty is from 1 to 100 percent".to_owned()),
            Self::Batch { bytes: Some(bytes) } if !(1..=most).contains(&bytes) => {
                Err(format!("a batch has from 1 to {most} bytes"))
            }
            _ => Ok(()),
        }
    }

    /// Directs work as asked.
    fn apply(self, control: &Control, purpose: &str) -> Result<(), String> {
        self.check(purpose)?;
        match self {
            Self::Progress => {}
            Self::Pause => control.pause(),
            Self::Resume => control.resume(),
            Self::Cancel => control.stop(),
            Self::Throttle { .. } | Self::Batch { .. } => {
                control.pace(|pacing| self.pace(pacing));
            }
        }
        Ok(())
    }

    /// Changes how fast work may go, if it is about that.
    pub(super) fn pace(self, pacing: &mut Pacing) {
        match self {
            Self::Throttle {
                items_per_second,
                duty,
                rest,
            } => {
                (pacing.items_per_second, pacing.duty) = (items_per_second, duty);
                pacing.rest = Duration::from_millis(rest);
            }
            Self::Batch { bytes } => pacing.batch_bytes = bytes,
            Self::Progress | Self::Pause | Self::Resume | Self::Cancel => {}
        }
    }
}

/// Where the socket lies. Paths of sockets have at most some hundred bytes, those of folders do not: on Linux it is
/// named by way of the open folder.
struct Place {
    folder: PathBuf,
    #[cfg(target_os = "linux")]
    open: std::fs::File,
}

impl Place {
    fn of(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            #[cfg(target_os = "linux")]
            open: std::fs::File::open(folder)?,
            folder: folder.to_owned(),
        })
    }

    #[cfg(target_os = "linux")]
    fn path(&self) -> PathBuf {
        use std::os::fd::AsRawFd;
        let open = self.open.as_raw_fd();
        PathBuf::from(format!("/proc/self/fd/{open}/{NAME}"))
    }

    #[cfg(not(target_os = "linux"))]
    fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }
}

/// Listens until it is dropped.
pub(super) struct Listening {
    place: Place,
    is_over: Arc<AtomicBool>,
}

impl Listening {
    /// Listens in a folder for as long as the lease is held, which the caller has taken: nobody else listens there, and
    /// a socket that is there was left behind by a process that was killed.
    pub(super) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        host: &'env Host,
        folder: &Path,
        purpose: &'env str,
        control: &'env Control,
    ) -> io::Result<Self> {
        let place = Place::of(folder)?;
        remove(&place)?;
        let listener = UnixListener::bind(place.path())?;
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        let serve = move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let answered = stream.and_then(|stream| answer(host, purpose, control, stream));
                if let Err(error) = answered {
                    tracing::debug!(%error, "a request was not answered");
                }
            }
        };
        std::thread::Builder::new()
            .name("godwit-control".to_owned())
            .spawn_scoped(scope, serve)?;
        Ok(Self { place, is_over })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes it. Where that fails it has ended already.
        let _ = UnixStream::connect(self.place.path());
        if let Err(error) = remove(&self.place) {
            let folder = self.place.folder.display();
            tracing::warn!(%error, %folder, "the socket cannot be removed");
        }
    }
}

fn remove(place: &Place) -> io::Result<()> {
    match std::fs::remove_file(place.path()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn answer(host: &Host, purpose: &str, control: &Control, mut stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request: Request = match read_line(&stream) {
        Ok(request) => request,
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return write_line(&mut stream, &Reply::Refused(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    let reply = match request.apply(control, purpose).map(|()| host.progress()) {
        Ok(Ok(progress)) => Reply::Answer(Box::new(Answer {
            purpose: purpose.to_owned(),
            is_stopping: control.is_stopped(),
            holds: control.holds(),
            pacing: control.pacing(),
            progress,
        })),
        Ok(Err(error)) => Reply::Refused(with_causes(&error)),
        Err(reason) => Reply::Refused(reason),
    };
    write_line(&mut stream, &reply)
}

fn write_line(stream: &mut UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}

fn read_line<T: DeserializeOwned>(stream: impl Read) -> io::Result<T> {
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    serde_json::from_str(&line).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}
