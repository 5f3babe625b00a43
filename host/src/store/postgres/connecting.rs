//! Reaching a server: what a URL says, TLS, and connections that are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::StoreError;
use super::super::url::{bad, without_password};
use super::bodies::Bodies;

/// How many connections one store has at most: what a run and a server's reads use at once.
const CONNECTIONS: usize = 16;
/// How long a connection may take to be made, or a packet to be acknowledged: a server that is cut off is noticed before a
/// lease ends.
const PATIENCE: Duration = Duration::from_secs(5);
/// The schema of a store whose URL names none.
const SCHEMA: &str = "godwit";
/// PostgreSQL cuts longer names off.
const LONGEST_NAME: usize = 63;

/// What the URL of a store says.
#[derive(Debug)]
pub(super) struct Address {
    /// For messages: without the password.
    pub shown: String,
    /// The schema that has everything of ours.
    pub schema: String,
    /// How a new store keeps bodies.
    pub bodies: Option<Bodies>,
    config: Config,
    tls: Tls,
}

/// Whom a connection trusts, in the terms of libpq.
#[derive(Debug, PartialEq, Eq)]
enum Tls {
    /// Whoever answers: `sslmode=prefer` and `require`, unless a root is named.
    Anybody,
    /// Who has a certificate of the system's roots, or of those in a file, for its name: `verify-full`. `verify-ca` is taken
    /// for the same.
    Verified(Option<PathBuf>),
}

impl Address {
    /// Takes a URL apart: that of libpq, in which `schema` and `sslrootcert` may be named, too.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut schema, mut bodies) = (SCHEMA.to_owned(), None);
        let (mut root, mut verifies) = (None, false);
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("schema", name)) => schema = name.to_owned(),
                Some(("bodies", name)) => {
                    let named = Bodies::named(name);
                    let unknown = || bad(url, format!("bodies are bytea or jsonb, not `{name}`"));
                    bodies = Some(named.ok_or_else(unknown)?);
                }
                Some(("sslrootcert", "system")) => verifies = true,
                Some(("sslrootcert", path)) => root = Some(PathBuf::from(path)),
                Some(("sslmode", "verify-ca" | "verify-full")) => {
                    verifies = true;
                    rest.push("sslmode=require");
                }
                _ => rest.push(pair),
            }
        }
        if !is_name(&schema) {
            let reason = format!(
                "`{schema}` is no name for a schema: small letters, digits and _, {LONGEST_NAME} at most"
            );
            return Err(bad(url, reason));
        }
        let plain = match rest.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", rest.join("&")),
        };
        let mut config: Config = plain
            .parse()
            .map_err(|error: tokio_postgres::Error| bad(url, super::said(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(bad(url, "the host is missing".to_owned()));
        }
        if config.get_application_name().is_none() {
            config.application_name("godwit");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(PATIENCE);
        }
        config.keepalives_idle(PATIENCE);
        Ok(Self {
            shown: without_password(url),
            schema,
            bodies,
            config,
            tls: match verifies || root.is_some() {
                true => Tls::Verified(root),
                false => Tls::Anybody,
            },
        })
    }

    /// Names a schema beside the one that it names, and tells that in messages.
    pub(super) fn move_to(&mut self, suffix: &str) -> Result<(), StoreError> {
        let schema = format!("{}_{suffix}", self.schema);
        if schema.len() > LONGEST_NAME {
            let reason = format!("the name of its schema is too long to become {schema}");
            return Err(bad(&self.shown, reason));
        }
        let base = self.shown.split('?').next().unwrap_or_default();
        self.shown = format!("{base}?schema={schema}");
        self.schema = schema;
        Ok(())
    }

    /// Makes a pool, which connects when it is first asked.
    pub(super) fn pool(&self) -> Result<Pool, StoreError> {
        let manager = Manager::from_config(
            self.config.clone(),
            MakeRustlsConnect::new(self.tls.config(&self.shown)?),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .build();
        pool.map_err(|error| super::failed("connecting", &self.shown, error))
    }
}

/// Whether a schema may have a name: one that needs no quotes.
fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    name.bytes().next().is_some_and(is_letter)
        && name.len() <= LONGEST_NAME
        && name
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

impl Tls {
    fn config(&self, url: &str) -> Result<ClientConfig, StoreError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| super::failed("setting up TLS", url, error))?;
        let Self::Verified(file) = self else {
            let anybody = Arc::new(Anybody(provider));
            let builder = builder
                .dangerous()
                .with_custom_certificate_verifier(anybody);
            return Ok(builder.with_no_client_auth());
        };
        let mut roots = RootCertStore::empty();
        match file {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots
                        .add(certificate)
                        .map_err(|error| unreadable(path, &error))?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, &error))?;
    let found: Vec<_> = found
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(path, &error))?;
    match found.is_empty() {
        true => Err(unreadable(path, &"it has no certificate")),
        false => Ok(found),
    }
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> StoreError {
    bad(
        &format!("sslrootcert={}", path.display()),
        format!("its certificates cannot be read: {reason}"),
    )
}

/// Takes any certificate, as libpq does unless it is told to verify: what is sent is hidden from those who listen, and not
/// from one who answers in the server's place.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn urls_are_taken_apart() {
        let address = parsed("postgres://me:secret@db.example/app");
        assert_eq!(address.schema, SCHEMA);
        assert_eq!(address.tls, Tls::Anybody);
        assert_eq!(address.shown, "postgres://...@db.example/app");
        let address = parsed("postgresql://db.example/app?schema=notes_2&sslmode=verify-full");
        assert_eq!(address.schema, "notes_2");
        assert_eq!(address.tls, Tls::Verified(None));
        let address = parsed("postgres://h/d?sslmode=require&sslrootcert=ca.pem");
        assert_eq!(address.tls, Tls::Verified(Some("ca.pem".into())));
    }

    #[test]
    fn what_makes_no_sense_is_refused_without_the_password() {
        for url in [
            "postgres://",
            "postgres://me:secret@h/d?schema=",
            "postgres://me:secret@h/d?schema=Big",
            "postgres://me:secret@h/d?schema=a\"b",
            "postgres://me:secret@h/d?sslmode=perhaps",
            "postgres://me:secret@h:port/d",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
            assert!(error.contains("does not name a store"), "{error}");
        }
    }

    #[test]
    fn roots_that_cannot_be_read_are_said_to_be() {
        let address = parsed("postgres://h/d?sslrootcert=/nowhere/ca.pem");
        let error = address.pool().unwrap_err().to_string();
        assert!(error.contains("/nowhere/ca.pem"), "{error}");
    }
}
