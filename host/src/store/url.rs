//! How a store is named on a command line or in a configuration.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::folder::{self, Contents, Kind};
use super::{Backend, Lmdb, Memory, Sled, StoreError};

/// Where a store is, and which backend keeps it.
///
/// ```
/// use godwit::store::StoreUrl;
///
/// let url: StoreUrl = "sled:data".parse()?;
/// assert_eq!(url, StoreUrl::Sled("data".into()));
/// assert_eq!(url.to_string(), "sled:data");
/// assert_eq!("data".parse::<StoreUrl>()?, StoreUrl::Path("data".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// `memory:`, a new and empty store that ends with the process.
    Memory,
    /// `sled:PATH`, a folder of sled.
    Sled(PathBuf),
    /// `lmdb:PATH`, a folder of LMDB.
    Lmdb(PathBuf),
    /// `PATH`, whatever store the folder holds; where it holds none, LMDB.
    ///
    /// LMDB is the default because it lost nothing in any campaign of kills and power cuts, and
    /// is several times faster than sled at the loop of a migration.
    Path(PathBuf),
    /// `postgres://…`, a schema of a PostgreSQL server; needs the feature `postgres`.
    Postgres(String),
}

/// Whether a store is made where there is none.
///
/// ```
/// use godwit::store::{OpenMode, StoreError, StoreUrl};
///
/// # let folder = tempfile::tempdir()?;
/// let url = StoreUrl::Path(folder.path().join("data"));
/// let missing = url.open(OpenMode::Existing);
/// assert!(matches!(missing, Err(StoreError::Missing { .. })));
/// assert!(url.open(OpenMode::Create).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Opens the store, or makes an empty one.
    Create,
    /// Opens the store, or answers [`StoreError::Missing`]: what asks about a store must not
    /// leave an empty one behind.
    Existing,
}

/// What [`StoreError::BadUrl`] tells about the URLs that are understood.
const SUPPORTED: &str =
    "supported are PATH, lmdb:PATH, sled:PATH, postgres://HOST/DATABASE and memory:";

impl StoreUrl {
    /// The folder that the store is kept in, if it is kept in one.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use godwit::store::StoreUrl;
    ///
    /// assert_eq!("lmdb:data".parse::<StoreUrl>()?.folder(), Some(Path::new("data")));
    /// assert_eq!(StoreUrl::Memory.folder(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Memory | Self::Postgres(_) => None,
            Self::Sled(path) | Self::Lmdb(path) | Self::Path(path) => Some(path),
        }
    }

    /// The scheme of the backend that keeps the store, or would keep a new one.
    ///
    /// ```
    /// use godwit::store::StoreUrl;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// assert_eq!("sled:data".parse::<StoreUrl>()?.kind()?, "sled");
    /// assert_eq!(StoreUrl::Path(folder.path().join("new")).kind()?, "lmdb");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be looked at.
    pub fn kind(&self) -> Result<&'static str, StoreError> {
        Ok(match self {
            Self::Memory => "memory",
            Self::Sled(_) => Kind::Sled.scheme(),
            Self::Lmdb(_) => Kind::Lmdb.scheme(),
            Self::Path(path) => found(path)?.scheme(),
            Self::Postgres(_) => "postgres",
        })
    }

    /// Whether processes of other machines may have it open, too.
    ///
    /// ```
    /// use godwit::store::StoreUrl;
    ///
    /// assert!("postgres://db.example/app".parse::<StoreUrl>()?.is_remote());
    /// assert!(!"lmdb:data".parse::<StoreUrl>()?.is_remote());
    /// # Ok::<(), godwit::store::StoreError>(())
    /// ```
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Opens the store that the URL names.
    ///
    /// A store in memory is always new, whatever the mode.
    ///
    /// ```
    /// use godwit::store::{OpenMode, StoreUrl};
    ///
    /// let url: StoreUrl = "memory:".parse()?;
    /// let backend = url.open(OpenMode::Create)?;
    /// assert_eq!(backend.url(), "memory:");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, mode: OpenMode) -> Result<Arc<dyn Backend>, StoreError> {
        match self {
            Self::Memory => Ok(Arc::new(Memory::new())),
            Self::Sled(path) => Ok(Arc::new(Sled::open(path, mode)?)),
            Self::Lmdb(path) => Ok(Arc::new(Lmdb::open(path, mode)?)),
            Self::Path(path) => match found(path)? {
                Kind::Sled => Ok(Arc::new(Sled::open(path, mode)?)),
                Kind::Lmdb => Ok(Arc::new(Lmdb::open(path, mode)?)),
            },
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => Ok(Arc::new(super::Postgres::open(url, mode)?)),
            #[cfg(not(feature = "postgres"))]
            Self::Postgres(url) => Err(bad(
                url,
                "this Godwit was built without the feature `postgres`".to_owned(),
            )),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        match split(url) {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("memory", _)) => Err(bad(url, "`memory:` takes no path".to_owned())),
            Some(("sled", rest)) => Ok(Self::Sled(path(url, rest)?)),
            Some(("lmdb", rest)) => Ok(Self::Lmdb(path(url, rest)?)),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(url.to_owned()))
            }
            Some((scheme, _)) => Err(bad(url, format!("`{scheme}:` is unknown; {SUPPORTED}"))),
            None => Ok(Self::Path(path(url, url)?)),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sled(path) => write!(f, "sled:{}", path.display()),
            Self::Lmdb(path) => write!(f, "lmdb:{}", path.display()),
            Self::Path(path) if split(&path.to_string_lossy()).is_some() => {
                write!(f, "./{}", path.display())
            }
            Self::Path(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

fn found(path: &Path) -> Result<Kind, StoreError> {
    match folder::contents(path)? {
        Contents::Store(kind) | Contents::Unfinished(kind) => Ok(kind),
        // Lmdb::open says what is wrong with a foreign folder.
        Contents::Nothing | Contents::Foreign(_) => Ok(Kind::Lmdb),
    }
}

// A scheme is what RFC 3986 calls one; a path with a colon in its first component is written
// with `./` before it.
fn split(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(letters);
    is_scheme.then_some((scheme, rest))
}

fn path(url: &str, rest: &str) -> Result<PathBuf, StoreError> {
    match rest.strip_prefix("//") {
        _ if rest.is_empty() => Err(bad(url, format!("the path is missing; {SUPPORTED}"))),
        Some(absolute) if absolute.starts_with('/') => Ok(PathBuf::from(absolute)),
        Some(_) => Err(bad(
            url,
            format!("stores on other hosts are unknown; {SUPPORTED}"),
        )),
        None => Ok(PathBuf::from(rest)),
    }
}

pub(super) fn bad(url: &str, reason: String) -> StoreError {
    StoreError::BadUrl {
        url: without_password(url),
        reason,
    }
}

// The URL of a database server may carry a password, and errors end up in logs.
pub(super) fn without_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split('/').next()?;
        let at = authority.rfind('@')?;
        Some(format!("{scheme}://...{}", &rest[at..]))
    };
    let shown = hidden().unwrap_or_else(|| url.to_owned());
    match shown.split_once("password=") {
        Some((head, rest)) => {
            let end = rest.find('&').unwrap_or(rest.len());
            format!("{head}password=...{}", &rest[end..])
        }
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_understood_and_written_back() {
        let cases = [
            ("memory:", StoreUrl::Memory),
            ("sled:a/b", StoreUrl::Sled("a/b".into())),
            ("sled:/a b", StoreUrl::Sled("/a b".into())),
            ("lmdb:../a:b", StoreUrl::Lmdb("../a:b".into())),
            ("data/store", StoreUrl::Path("data/store".into())),
            ("/abs", StoreUrl::Path("/abs".into())),
            ("./sled:a", StoreUrl::Path("./sled:a".into())),
            ("memory", StoreUrl::Path("memory".into())),
            ("1:2", StoreUrl::Path("1:2".into())),
        ];
        for (text, url) in cases {
            assert_eq!(text.parse::<StoreUrl>().unwrap(), url, "{text}");
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn three_slashes_are_an_absolute_path() {
        assert_eq!(
            "sled:///a".parse::<StoreUrl>().unwrap(),
            StoreUrl::Sled("/a".into())
        );
    }

    #[test]
    fn a_path_that_looks_like_a_url_is_written_so_that_it_is_read_as_a_path() {
        let written = StoreUrl::Path("sled:a".into()).to_string();
        assert_eq!(
            written.parse::<StoreUrl>().unwrap(),
            StoreUrl::Path("./sled:a".into())
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_would_be() {
        for text in [
            "",
            "sled:",
            "lmdb:",
            "postgres:h/db",
            "http:x",
            "lmdb://host/a",
            "//h/a",
        ] {
            let error = text.parse::<StoreUrl>().unwrap_err();
            assert!(
                matches!(error, StoreError::BadUrl { .. }),
                "{text}: {error}"
            );
            assert!(error.to_string().contains(SUPPORTED), "{text}: {error}");
        }
    }

    #[test]
    fn memory_takes_no_path() {
        let error = "memory:a".parse::<StoreUrl>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`memory:a` does not name a store: `memory:` takes no path"
        );
    }

    #[test]
    fn passwords_are_not_repeated() {
        let error = "mysql://me:secret@host/db".parse::<StoreUrl>().unwrap_err();
        assert!(
            error.to_string().starts_with("`mysql://...@host/db` "),
            "{error}"
        );
        for url in [
            "postgres://me:secret@host/db?schema=s",
            "postgresql://me@host/db?password=secret&schema=s",
        ] {
            let shown = url.parse::<StoreUrl>().unwrap().to_string();
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.ends_with("schema=s"), "{shown}");
        }
    }
}
