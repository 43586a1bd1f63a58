//! HTTPS: connections that are encrypted from their first byte on. The handshake is part of a connection's first read, so that one
//! who never finishes it keeps no other waiting.

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// The certificate that a server shows, with its key.
#[derive(Clone)]
pub struct Certificate(Arc<ServerConfig>);

/// Why a server's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// A file cannot be read, or holds something else.
    #[error("read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// A file without what should be in it.
    #[error("there is no certificate in {}", .0.display())]
    Empty(PathBuf),
    /// The certificate and the key do not fit, or are of an unknown kind.
    #[error("use {} with the key {}: {source}", cert.display(), key.display())]
    Unusable {
        /// The certificate.
        cert: PathBuf,
        /// Its key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

impl Certificate {
    /// Reads the certificate, with those that lead from it to its CA, and its key, both PEM.
    ///
    /// # Errors
    /// What is wrong, with the file's name.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, BadCertificate> {
        let unread = |path: &Path| {
            let path = path.to_owned();
            move |source| BadCertificate::File { path, source }
        };
        let certificates = CertificateDer::pem_file_iter(cert).map_err(unread(cert))?;
        let chain = certificates.collect::<Result<Vec<_>, _>>().map_err(unread(cert))?;
        if chain.is_empty() {
            return Err(BadCertificate::Empty(cert.to_owned()));
        }
        let secret = PrivateKeyDer::from_pem_file(key).map_err(unread(key))?;
        let unusable = |source| BadCertificate::Unusable { cert: cert.to_owned(), key: key.to_owned(), source };
        let mut config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret).map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// A listener whose connections are encrypted.
pub(super) struct Secured<L> {
    listener: L,
    acceptor: TlsAcceptor,
}

impl<L> Secured<L> {
    pub(super) fn new(listener: L, certificate: Certificate) -> Self {
        Self { listener, acceptor: TlsAcceptor::from(certificate.0) }
    }
}

impl<L: Listener<Addr = SocketAddr>> Listener for Secured<L> {
    type Io = Encrypted<L::Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, from) = self.listener.accept().await;
        (Encrypted::Greeting(Box::new(self.acceptor.accept(stream))), from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection, first in its handshake.
pub(super) enum Encrypted<S> {
    Greeting(Box<Accept<S>>),
    Open(Box<TlsStream<S>>),
    /// The handshake failed, as of somebody who speaks plain HTTP.
    Failed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Encrypted<S> {
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<S>>>> {
        if let Self::Greeting(greeting) = self {
            match ready!(Pin::new(greeting.as_mut()).poll(context)) {
                Ok(stream) => *self = Self::Open(Box::new(stream)),
                Err(error) => {
                    *self = Self::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        match self {
            Self::Open(stream) => Poll::Ready(Ok(Pin::new(stream.as_mut()))),
            Self::Greeting(_) | Self::Failed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?.poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.as_mut().get_mut() {
            Self::Open(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            Self::Greeting(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?.poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
