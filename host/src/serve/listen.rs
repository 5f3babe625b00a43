//! Listening: connections with limits of their own, with TLS or without, until somebody says that it is enough.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// What connections may take.
#[derive(Debug, Clone)]
pub struct Connections {
    /// So many at once; more wait to be accepted.
    pub most: usize,
    /// A head must be there within this.
    pub head_time: Duration,
    /// A head has so many bytes at most.
    pub head_bytes: usize,
    /// A head has so many headers at most.
    pub headers: usize,
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
            end_time: Duration::from_secs(5),
        }
    }
}

/// Certificate and key of a server.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Occurs when a file of a certificate or a key cannot be read.
    #[error("{file} has no certificate, or no key, in PEM")]
    Pem {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Occurs when certificate and key do not belong together.
    #[error("the certificate and the key cannot be used")]
    Tls(#[from] rustls::Error),
    /// Occurs when no connection can be accepted any more.
    #[error("connections cannot be accepted")]
    Accept(#[from] io::Error),
}

impl Tls {
    /// What is in two files in PEM: the certificates, the server's own first, and its key.
    ///
    /// # Errors
    /// [`ListenError::Pem`] or [`ListenError::Tls`] when they cannot be used.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, ListenError> {
        let bad = |file: &Path| {
            let file = file.display().to_string();
            move |source| ListenError::Pem { file, source }
        };
        let chain = CertificateDer::pem_file_iter(certificates).map_err(bad(certificates))?;
        let chain: Result<Vec<_>, _> = chain.collect();
        let chain = chain.map_err(bad(certificates))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(bad(key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// Serves routes to whoever connects, until `enough` is ready; then lets those that are under way end.
///
/// # Errors
/// [`ListenError::Accept`] when no connection can be accepted any more.
pub async fn listen(
    listener: TcpListener,
    tls: Option<Tls>,
    routes: Router,
    connections: Connections,
    enough: impl Future<Output = ()>,
) -> Result<(), ListenError> {
    let slots = Arc::new(Semaphore::new(connections.most.max(1)));
    let ends = GracefulShutdown::new();
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
        // Small answers are not kept waiting for others.
        let _ = stream.set_nodelay(true);
        let (routes, limits, watcher) = (routes.clone(), connections.clone(), ends.watcher());
        let tls = tls.clone();
        tokio::spawn(async move {
            let _slot = slot;
            let served = async {
                match tls {
                    None => serve(stream, routes, &limits, watcher).await,
                    Some(Tls(acceptor)) => {
                        let hello = tokio::time::timeout(limits.head_time, acceptor.accept(stream));
                        let Ok(Ok(stream)) = hello.await else {
                            return Ok(());
                        };
                        serve(stream, routes, &limits, watcher).await
                    }
                }
            };
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    let _ = tokio::time::timeout(connections.end_time, ends.shutdown()).await;
    Ok(())
}

/// Whether only the connection that was to be accepted is concerned.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Router,
    limits: &Connections,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), hyper::Error> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    watcher.watch(connection).await
}
