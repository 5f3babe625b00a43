//! Listening: connections with limits of their own, with TLS or without, until somebody says that it is enough.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

/// What connections may take.
///
/// ```
/// let mut connections = godwit::server::Connections::default();
/// connections.most = 1_000;
/// connections.end_time = std::time::Duration::from_secs(30);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connections {
    /// So many at once; more wait to be accepted.
    pub most: usize,
    /// A head must be there within this.
    pub head_time: Duration,
    /// A head has so many bytes at most; 8,192 at least.
    pub head_bytes: usize,
    /// A head has so many headers at most.
    pub headers: usize,
    /// Whoever reads nothing of an answer for so long is left.
    pub write_time: Duration,
    /// How long those that are under way may take once it is enough.
    pub end_time: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            most: 256,
            head_time: Duration::from_secs(10),
            head_bytes: 32 << 10,
            headers: 100,
            write_time: Duration::from_secs(30),
            end_time: Duration::from_secs(5),
        }
    }
}

/// Certificate and key of a server.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::path::Path;
/// use godwit::server::Tls;
///
/// let tls = Tls::read(Path::new("cert.pem"), Path::new("key.pem"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why a certificate cannot be used.
///
/// ```
/// use std::path::Path;
///
/// use godwit::server::{Tls, TlsError};
///
/// let error = Tls::read(Path::new("no-such.pem"), Path::new("key.pem")).unwrap_err();
/// assert!(matches!(error, TlsError::Pem { .. }));
/// assert_eq!(error.to_string(), "no-such.pem has no certificate, or no key, in PEM");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Occurs when a file of a certificate or a key cannot be read.
    #[error("{file} has no certificate, or no key, in PEM")]
    Pem {
        /// The file.
        file: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Occurs when certificate and key do not belong together.
    #[error("the certificate and the key cannot be used")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Tls {
    /// What is in two files in PEM: the certificates, the server's own first, and its key.
    ///
    /// ```
    /// use godwit::server::{Tls, TlsError};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    /// std::fs::write(&certificate, "no certificate")?;
    /// assert!(matches!(Tls::read(&certificate, &key), Err(TlsError::Pem { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TlsError`] when they cannot be used.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let bad = |file: &Path| {
            let file = file.display().to_string();
            move |source: pem::Error| TlsError::Pem {
                file,
                source: source.into(),
            }
        };
        let chain = CertificateDer::pem_file_iter(certificates).map_err(bad(certificates))?;
        let chain: Result<Vec<_>, _> = chain.collect();
        let chain = chain.map_err(bad(certificates))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(bad(key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| TlsError::Unusable(error.into()))?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// Serves routes over HTTP/1.1, which it has nobody upgrade, to whoever connects, until `enough` is ready; then lets those that
/// are under way end, for so long, and leaves the others.
///
/// ```no_run
/// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::server::{Connections, Settings, Tokens, listen, standalone};
///
/// let tokens = Tokens::new(std::env::var("ADMIN_TOKEN")?, None)?;
/// let routes = standalone(host.clone(), Settings::new(tokens));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:7117").await?;
/// let enough = async {
///     let _ = tokio::signal::ctrl_c().await;
///     host.shutdown().await;
/// };
/// listen(listener, None, routes, Connections::default(), enough).await;
/// # Ok(())
/// # }
/// ```
pub async fn listen(
    listener: TcpListener,
    tls: Option<Tls>,
    routes: Router,
    connections: Connections,
    enough: impl Future<Output = ()>,
) {
    let most = connections.most.clamp(1, Semaphore::MAX_PERMITS);
    let slots = Arc::new(Semaphore::new(most));
    let ends = GracefulShutdown::new();
    let mut open = JoinSet::new();
    let mut enough = std::pin::pin!(enough);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let slot = slots.clone().acquire_owned().await.ok();
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut enough => break,
        };
        while open.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) if is_of_connection(&error) => continue,
            Err(error) => {
                // Too many open files: others end meanwhile.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection = Connection {
            tls: tls.clone(),
            routes: routes.clone(),
            limits: connections.clone(),
            watcher: ends.watcher(),
        };
        open.spawn(async move {
            let _slot = slot;
            if let Err(error) = connection.serve(stream).await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    let _ = tokio::time::timeout(connections.end_time, ends.shutdown()).await;
    open.shutdown().await;
}

/// Whether only the connection that was to be accepted is concerned.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// What a connection is served by.
struct Connection {
    tls: Option<Tls>,
    routes: Router,
    limits: Connections,
    watcher: Watcher,
}

impl Connection {
    async fn serve(self, stream: TcpStream) -> Result<(), hyper::Error> {
        // Small answers are not kept waiting for others.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_time));
        let stream = Box::pin(stream);
        match self.tls.clone() {
            None => self.answer(stream).await,
            Some(Tls(acceptor)) => {
                let hello = acceptor.accept(stream);
                match tokio::time::timeout(self.limits.head_time, hello).await {
                    Ok(Ok(stream)) => self.answer(stream).await,
                    // It speaks no TLS, or says nothing.
                    Ok(Err(_)) | Err(_) => Ok(()),
                }
            }
        }
    }

    async fn answer(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(), hyper::Error> {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_time)
            // With less hyper panics.
            .max_buf_size(self.limits.head_bytes.max(8 << 10))
            .max_headers(self.limits.headers)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.routes));
        self.watcher.watch(connection).await
    }
}
