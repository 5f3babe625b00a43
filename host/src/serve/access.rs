//! Who may do what: tokens, and the names that the server goes by.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, header};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything.
    Read,
    /// Change everything.
    Admin,
}

/// The words that callers show.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::server::Tokens;
///
/// let tokens = Tokens::new("an admin's token of 32 bytes or more", Some("another one, for those who only look".to_owned()))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tokens {
    admin: String,
    read: Option<String>,
}

/// A token that anybody could guess, or that a header cannot carry.
///
/// ```
/// use godwit::server::{BadToken, Tokens};
///
/// assert_eq!(Tokens::new("short", None).err(), Some(BadToken));
/// assert!(BadToken.to_string().starts_with("a token has from 32 to 256"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token has from {} to {} printable ASCII characters, and no spaces around them",
    Tokens::LEAST,
    Tokens::MOST
)]
pub struct BadToken;

impl Tokens {
    /// Shorter ones are guessed.
    pub const LEAST: usize = 32;
    /// Longer ones are none.
    pub const MOST: usize = 256;

    /// Those who show `admin` may change everything, those who show `read` may look.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::server::Tokens;
    ///
    /// assert!(Tokens::new("short", None).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BadToken`] when one of them is too short, or no header could carry it.
    pub fn new(admin: impl Into<String>, read: Option<String>) -> Result<Self, BadToken> {
        let is_good = |token: &String| {
            (Self::LEAST..=Self::MOST).contains(&token.len())
                && token.bytes().all(|byte| (b' '..=b'~').contains(&byte))
                && token.trim() == token
        };
        let tokens = Self {
            admin: admin.into(),
            read,
        };
        let all = std::iter::once(&tokens.admin).chain(&tokens.read);
        match all.into_iter().all(is_good) && tokens.read.as_ref() != Some(&tokens.admin) {
            true => Ok(tokens),
            false => Err(BadToken),
        }
    }

    /// What somebody may do who shows this. It takes as long whatever is shown.
    fn role(&self, shown: &str) -> Option<Role> {
        let is = |token: &str| bool::from(token.as_bytes().ct_eq(shown.as_bytes()));
        let (is_admin, is_read) = (is(&self.admin), self.read.as_deref().is_some_and(is));
        match (is_admin, is_read) {
            (true, _) => Some(Role::Admin),
            (_, true) => Some(Role::Read),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// Who may do what, and from where.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::server::{Access, Tokens};
///
/// let mut access = Access::new(Tokens::new("an admin's token of 32 bytes or more", None)?);
/// access.hosts.push("godwit.example".to_owned());
/// access.origins.push("https://admin.example".to_owned());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Access {
    /// What callers show.
    pub tokens: Tokens,
    /// The names that the server goes by in `Host`, without ports: a page elsewhere cannot have a browser call it by another
    /// one (DNS rebinding). Loopback addresses and `localhost` always do.
    pub hosts: Vec<String>,
    /// Pages elsewhere that may call it, as in `https://admin.example`; none by default. They are told so (CORS).
    pub origins: Vec<String>,
}

/// Why a request is turned away before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// It names the server by a name that is not its own.
    OtherHost,
    /// A page elsewhere sent it.
    OtherOrigin,
    /// It shows no token, or none that is known.
    NoToken,
    /// Its token is for looking.
    ReadOnly,
}

impl Access {
    /// For this machine alone.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            tokens,
            hosts: Vec::new(),
            origins: Vec::new(),
        }
    }

    /// Checks that the server is meant, and not a page of somebody else's.
    pub(super) fn check_place(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), TurnedAway> {
        // What the address says comes before `Host` (RFC 9112, 3.2.2), of which there is one.
        let mut named = headers.get_all(header::HOST).iter();
        let host = named.next().and_then(|host| host.to_str().ok());
        if named.next().is_some() {
            return Err(TurnedAway::OtherHost);
        }
        let host = uri.authority().map(Authority::as_str).or(host);
        let host = host.unwrap_or_default();
        if !self.goes_by(name_of(host)) {
            return Err(TurnedAway::OtherHost);
        }
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let own = origin.split_once("://").map(|(_, host)| host);
            if own != Some(host) && !self.allows(origin) {
                return Err(TurnedAway::OtherOrigin);
            }
            return Ok(());
        }
        // Browsers that leave `Origin` out say so here (Fetch Metadata Request Headers).
        let site = headers
            .get("sec-fetch-site")
            .and_then(|site| site.to_str().ok());
        match site {
            None | Some("same-origin" | "none") => Ok(()),
            Some(_) => Err(TurnedAway::OtherOrigin),
        }
    }

    fn goes_by(&self, name: &str) -> bool {
        let is_here = || {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            let address = name.parse::<std::net::IpAddr>();
            address.is_ok_and(|address| address.is_loopback())
        };
        name.eq_ignore_ascii_case("localhost")
            || is_here()
            || self
                .hosts
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether a page of another origin may call.
    pub(super) fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known == origin)
    }

    /// What somebody may do; he must not change anything who may only look.
    pub(super) fn check_role(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Role, TurnedAway> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let shown = all.next().filter(|_| all.next().is_none());
        let shown = shown.and_then(|shown| shown.to_str().ok());
        let shown = shown.and_then(|shown| {
            let (scheme, token) = shown.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let role = shown.and_then(|token| self.tokens.role(token));
        match role.ok_or(TurnedAway::NoToken)? {
            Role::Read if !method.is_safe() => Err(TurnedAway::ReadOnly),
            role => Ok(role),
        }
    }
}

/// A host's name without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMIN: &str = "an admin's token that nobody guesses";
    const READ: &str = "a reader's token that nobody guesses";

    fn access() -> Access {
        let tokens = Tokens::new(ADMIN, Some(READ.to_owned())).unwrap();
        Access {
            hosts: vec!["godwit.example".to_owned()],
            origins: vec!["https://admin.example".to_owned()],
            ..Access::new(tokens)
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = axum::http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn tokens_that_can_be_guessed_or_not_be_sent_are_refused() {
        for bad in ["", "short", &"x".repeat(257), &"é".repeat(40)] {
            assert!(Tokens::new(bad, None).is_err(), "{bad}");
        }
        assert!(Tokens::new(ADMIN, Some(ADMIN.to_owned())).is_err());
        assert_eq!(format!("{:?}", access().tokens), "Tokens");
    }

    #[test]
    fn roles_are_those_of_the_tokens() {
        let role = |method: Method, shown: &str| {
            access().check_role(&method, &headers(&[("authorization", shown)]))
        };
        let bearer = |token: &str| format!("Bearer {token}");
        assert_eq!(role(Method::POST, &bearer(ADMIN)), Ok(Role::Admin));
        assert_eq!(role(Method::GET, &bearer(READ)), Ok(Role::Read));
        assert_eq!(
            role(Method::DELETE, &bearer(READ)),
            Err(TurnedAway::ReadOnly)
        );
        for none in [
            ADMIN,
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            &bearer("x"),
            &bearer(&ADMIN[1..]),
        ] {
            assert_eq!(role(Method::GET, none), Err(TurnedAway::NoToken), "{none}");
        }
        let none = access().check_role(&Method::GET, &HeaderMap::new());
        assert_eq!(none, Err(TurnedAway::NoToken));
    }

    #[test]
    fn other_hosts_and_pages_of_others_are_turned_away() {
        let check = |pairs: &[(&'static str, &str)]| {
            access().check_place(&Uri::from_static("/api/v1/status"), &headers(pairs))
        };
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:7117",
            "[::1]:7117",
            "godwit.example",
        ] {
            assert_eq!(check(&[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "",
            "127.0.0.1.evil",
        ] {
            assert_eq!(
                check(&[("host", host)]),
                Err(TurnedAway::OtherHost),
                "{host}"
            );
        }
        assert_eq!(check(&[]), Err(TurnedAway::OtherHost));
        let from = |origin: &str| check(&[("host", "localhost:7117"), ("origin", origin)]);
        assert_eq!(from("http://localhost:7117"), Ok(()));
        assert_eq!(from("https://admin.example"), Ok(()));
        for origin in ["http://localhost:7118", "http://evil.example", "null", ""] {
            assert_eq!(from(origin), Err(TurnedAway::OtherOrigin), "{origin}");
        }
        let site = |site: &str| check(&[("host", "localhost"), ("sec-fetch-site", site)]);
        assert_eq!(site("same-origin"), Ok(()));
        assert_eq!(site("none"), Ok(()));
        assert_eq!(site("cross-site"), Err(TurnedAway::OtherOrigin));
        assert_eq!(site("same-site"), Err(TurnedAway::OtherOrigin));
    }
}
