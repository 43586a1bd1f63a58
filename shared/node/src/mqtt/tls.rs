//! Certificates for `mqtts://`: whom to believe, and what to show.

use super::MqttUrl;
use rumqttc::{TlsConfiguration, Transport};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, crypto};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// PEM files. They are read anew for each connection, so that a renewed certificate needs no restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Whoever signed the broker's certificate, and nobody else, is believed; without it, the system's list.
    pub ca: Option<PathBuf>,
    /// The certificate to show the broker, with its chain.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
}

/// Why TLS cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// The address says that the connection is not encrypted.
    #[error("certificates are set, but {0} is not encrypted: write mqtts://")]
    NotEncrypted(MqttUrl),
    /// A certificate without its key or a key without its certificate.
    #[error("the certificate and its key must be set together")]
    HalfIdentity,
    /// A certificate to show needs a file of whom to believe.
    #[error("a certificate to show the broker needs the CA file that the broker is checked against")]
    NoCa,
    /// A file cannot be read, or holds something else.
    #[error("read {}: {}", path.display(), source)]
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
    #[error("use the certificates: {0}")]
    Unusable(#[from] rustls::Error),
    /// The system's list of certificates cannot be read.
    #[error("read the system's certificates: {0}")]
    System(String),
}

impl TlsFiles {
    /// From three settings, each empty where it is not set.
    pub fn from_settings(ca: &Path, cert: &Path, key: &Path) -> Self {
        let set = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
        Self { ca: set(ca), cert: set(cert), key: set(key) }
    }

    /// Whether a connection can be tried with them: what is wrong is better said at the start than all night long.
    ///
    /// # Errors
    /// What is wrong, with the file's name.
    pub fn check(&self, url: &MqttUrl) -> Result<(), BadTls> {
        self.transport(url).map(drop)
    }

    pub(super) fn transport(&self, url: &MqttUrl) -> Result<Transport, BadTls> {
        match (url.tls, *self == Self::default()) {
            (false, true) => Ok(Transport::tcp()),
            (false, false) => Err(BadTls::NotEncrypted(url.clone())),
            (true, true) => Transport::try_tls_with_default_config().map_err(|error| BadTls::System(error.to_string())),
            (true, false) => Ok(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(self.client_config()?)))),
        }
    }

    fn client_config(&self) -> Result<ClientConfig, BadTls> {
        let Some(ca) = &self.ca else { return Err(BadTls::NoCa) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca)? {
            roots.add(certificate)?;
        }
        // The provider is named, so that nothing depends on what else the process has set up.
        let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        match (&self.cert, &self.key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(cert), Some(key)) => {
                let private = PrivateKeyDer::from_pem_file(key).map_err(|source| bad_file(key, source))?;
                Ok(builder.with_client_auth_cert(certificates(cert)?, private)?)
            }
            _ => Err(BadTls::HalfIdentity),
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(found) if found.is_empty() => Err(BadTls::Empty(path.to_owned())),
        Ok(found) => Ok(found),
        Err(source) => Err(bad_file(path, source)),
    }
}

fn bad_file(path: &Path, source: rustls::pki_types::pem::Error) -> BadTls {
    BadTls::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(files: &TlsFiles, url: &str) -> String {
        files.check(&url.parse().unwrap()).expect_err("a complaint").to_string()
    }

    #[test]
    fn settings_that_cannot_work_are_named_before_the_first_connection() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (none, empty) = (Path::new(""), file("empty.pem", "no certificate here\n"));
        let broken = file("broken.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
        assert_eq!(TlsFiles::from_settings(none, none, none), TlsFiles::default());
        TlsFiles::default().check(&"mqtt://broker".parse().unwrap()).unwrap();

        let set = TlsFiles::from_settings(&empty, none, none);
        assert!(complaint(&set, "mqtt://broker").contains("write mqtts://"));
        assert!(complaint(&set, "mqtts://broker").contains("no certificate in"));
        let missing = TlsFiles::from_settings(&folder.path().join("absent.pem"), none, none);
        assert!(complaint(&missing, "mqtts://broker").contains("absent.pem"));
        assert!(complaint(&TlsFiles::from_settings(&broken, none, none), "mqtts://broker").contains("broken.pem"));
        let identity = TlsFiles::from_settings(none, &empty, &empty);
        assert!(complaint(&identity, "mqtts://broker").contains("needs the CA file"));
    }
}
