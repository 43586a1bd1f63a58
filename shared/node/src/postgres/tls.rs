//! TLS to the database, by `sslmode` and `sslrootcert` in its address, which mean what they mean to PostgreSQL's own programs.
//!
//! | `sslmode`     | encrypted                                   | the server's certificate                               |
//! |---------------|---------------------------------------------|--------------------------------------------------------|
//! | `disable`     | never                                       |                                                        |
//! | `prefer`      | where the server can; the default           | any                                                    |
//! | `require`     | always                                      | any; with `sslrootcert` as `verify-ca`                 |
//! | `verify-ca`   | always                                      | signed by one of `sslrootcert`, under whatever name    |
//! | `verify-full` | always; the default with an `sslrootcert`   | signed by one of `sslrootcert`, for the server's name  |
//!
//! `sslrootcert` is a PEM file, read anew for each connection, or `system` for the system's list. A server on the same machine's
//! socket is not encrypted in any mode.

use anyhow::{Context, bail, ensure};
use percent_encoding::percent_decode_str;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection's other half, which does its work.
type Line = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Whom to believe that they are the server.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trust {
    /// Whoever answers.
    Anybody,
    /// Whoever has a certificate of one of these, under any name.
    Signed(Roots),
    /// Whoever has one for the server's name.
    Named(Roots),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    File(PathBuf),
    System,
}

/// How to get to a database.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    trust: Trust,
}

impl Address {
    /// Reads `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=…&sslrootcert=…`.
    pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut others) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8().with_context(|| format!("read {name}"))?;
            match name {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" if value == "system" => roots = Some(Roots::System),
                "sslrootcert" => roots = Some(Roots::File(value.into_owned().into())),
                _ => others.push(pair),
            }
        }
        let mut config: Config = match others.as_slice() {
            [] => place.parse(),
            others => format!("{place}?{}", others.join("&")).parse(),
        }?;
        let (encrypted, trust) = read(mode.as_deref(), roots)?;
        let is_remote = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
        config.ssl_mode(if is_remote { encrypted } else { SslMode::Disable });
        Ok(Self { config, trust })
    }

    pub(super) async fn connect(&self) -> anyhow::Result<(Client, Line)> {
        let tls = MakeRustlsConnect::new(self.trust.client_config()?);
        match self.config.connect(tls.clone()).await {
            Err(error) if self.config.get_ssl_mode() == SslMode::Prefer && is_of_tls(&error) => {
                tracing::debug!(%error, "the database cannot be spoken to encrypted, and need not be");
                let mut plain = self.config.clone();
                Ok(plain.ssl_mode(SslMode::Disable).connect(tls).await?)
            }
            connected => Ok(connected?),
        }
    }
}

fn read(mode: Option<&str>, roots: Option<Roots>) -> anyhow::Result<(SslMode, Trust)> {
    Ok(match (mode, roots) {
        (Some(mode @ ("disable" | "prefer")), Some(_)) => {
            bail!("sslmode={mode} asks for no certificate, so sslrootcert would be useless: write verify-full")
        }
        (Some("disable"), None) => (SslMode::Disable, Trust::Anybody),
        (None | Some("prefer"), None) => (SslMode::Prefer, Trust::Anybody),
        (Some("require"), None) => (SslMode::Require, Trust::Anybody),
        // Anybody can have a certificate of one on the system's list, for a name of their own.
        (Some("require" | "verify-ca"), Some(Roots::System)) => {
            bail!("sslrootcert=system says nothing without the server's name: write sslmode=verify-full")
        }
        (Some("require" | "verify-ca"), Some(roots)) => (SslMode::Require, Trust::Signed(roots)),
        (None | Some("verify-full"), Some(roots)) => (SslMode::Require, Trust::Named(roots)),
        (Some(mode @ ("verify-ca" | "verify-full")), None) => {
            bail!("sslmode={mode} needs whom to believe: write sslrootcert=FILE, or sslrootcert=system")
        }
        (Some(other), _) => {
            bail!("sslmode={other:?} is none of disable, prefer, require, verify-ca and verify-full")
        }
    })
}

impl Roots {
    fn read(&self) -> anyhow::Result<RootCertStore> {
        let mut store = RootCertStore::empty();
        match self {
            Self::File(path) => {
                for certificate in certificates(path)? {
                    store.add(certificate).with_context(|| format!("use a certificate of {}", path.display()))?;
                }
                ensure!(!store.is_empty(), "there is no certificate in {}", path.display());
            }
            Self::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                ensure!(!store.is_empty(), "the system has no list of certificates");
            }
        }
        Ok(store)
    }
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.with_context(|| format!("read the database's CA {}", path.display()))
}

impl Trust {
    fn client_config(&self) -> anyhow::Result<ClientConfig> {
        // The provider is named, so that nothing depends on what else the process has set up.
        let provider = Arc::new(ring::default_provider());
        let believe = |roots: &Roots| -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
            let roots = Arc::new(roots.read()?);
            Ok(WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?)
        };
        let (verifier, any_name): (Option<Arc<dyn ServerCertVerifier>>, bool) = match self {
            Self::Anybody => (None, true),
            Self::Signed(roots) => (Some(believe(roots)?), true),
            Self::Named(roots) => (Some(believe(roots)?), false),
        };
        let lenient = Lenient { verifier, any_name, provider: provider.clone() };
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(lenient))
            .with_no_client_auth())
    }
}

/// Checks as much of a certificate as was asked for; that its owner speaks, always.
#[derive(Debug)]
struct Lenient {
    verifier: Option<Arc<dyn ServerCertVerifier>>,
    any_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(verifier) = &self.verifier else { return Ok(ServerCertVerified::assertion()) };
        let checked = verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match checked {
            // The name is looked at last, when all else is well.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Is it the encryption that did not come about? The library tells that by its words only.
fn is_of_tls(error: &tokio_postgres::Error) -> bool {
    error.to_string().starts_with("error performing TLS handshake")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_the_server_is_read_from_the_address_or_refused_with_the_reason() {
        let table = "
            -                               | Prefer  | Anybody
            sslmode=prefer                  | Prefer  | Anybody
            sslmode=disable                 | Disable | Anybody
            sslmode=require                 | Require | Anybody
            sslmode=require&sslrootcert=a%20b | Require | Signed(File(\"a b\"))
            sslmode=verify-ca&sslrootcert=c | Require | Signed(File(\"c\"))
            sslmode=verify-full&sslrootcert=c | Require | Named(File(\"c\"))
            sslrootcert=c                   | Require | Named(File(\"c\"))
            sslrootcert=system              | Require | Named(System)
            sslmode=verify-ca&sslrootcert=system | sslrootcert=system says nothing
            sslmode=prefer&sslrootcert=c    | write verify-full
            sslmode=verify-full             | needs whom to believe
            sslmode=allow                   | none of disable
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let query = columns[0].replace('-', if columns[0] == "-" { "" } else { "-" });
            match (Address::parse(&format!("postgres://usher@db/usher?{query}")), &columns[1..]) {
                (Ok(address), [mode, trust]) => {
                    assert_eq!(format!("{:?}", address.config.get_ssl_mode()), *mode, "{line}");
                    assert_eq!(format!("{:?}", address.trust), *trust, "{line}");
                }
                (Err(error), [words]) => assert!(format!("{error:#}").contains(words), "{line}: {error:#}"),
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
    }

    #[test]
    fn other_settings_stay_and_a_socket_is_never_encrypted() {
        let address = Address::parse("postgres://usher@db/usher?sslmode=require&target_session_attrs=read-write");
        let address = address.expect("an address");
        assert_eq!(address.config.get_dbname(), Some("usher"));
        assert_ne!(address.config.get_target_session_attrs(), Config::new().get_target_session_attrs());
        let socket = Address::parse("postgres://usher@%2Frun%2Fpg/usher?sslmode=require").expect("an address");
        assert_eq!(socket.config.get_ssl_mode(), SslMode::Disable);
        assert!(Address::parse("postgres://usher@db/usher?sslmodes=require").is_err());
    }
}
