//! TLS: whom to trust, and who we are. PEM is parsed before anything is sent.
//!
//! tonic accepts a CA file full of garbage in silence and then trusts nobody, which looks like a bad network. So every
//! certificate is read here first, and what is wrong is an `InvalidArgument` that names it.

use std::fmt;
use std::path::{Path, PathBuf};

/// A PEM document: its bytes, or the file that holds it.
#[derive(Clone)]
pub enum Pem {
    /// The document itself.
    Bytes(Vec<u8>),
    /// A file, read when the client connects.
    File(PathBuf),
}

impl From<Vec<u8>> for Pem {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Pem {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<PathBuf> for Pem {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Pem {
    fn from(path: &Path) -> Self {
        Self::File(path.to_path_buf())
    }
}

/// Never the bytes: they may be a private key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Whom to trust, and who we are.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    ca: Option<Pem>,
    cert: Option<Pem>,
    key: Option<Pem>,
    server_name: Option<String>,
}

impl TlsConfig {
    /// The system's roots, no client certificate, and the host of each endpoint as the server's name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The certificates of the authorities to trust, instead of the system's.
    ///
    /// The system's are those of its certificate store, or, where they are set, those of the environment variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`. Give an authority to depend on neither.
    pub fn ca(mut self, ca: impl Into<Pem>) -> Self {
        self.ca = Some(ca.into());
        self
    }

    /// Our own certificate, and after it those that lead to its authority. Needs [`key`](Self::key).
    pub fn cert(mut self, cert: impl Into<Pem>) -> Self {
        self.cert = Some(cert.into());
        self
    }

    /// The private key of our certificate (PKCS#8, PKCS#1 or SEC1).
    pub fn key(mut self, key: impl Into<Pem>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The name that the server's certificate must carry. Default: the host of the endpoint.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }
}

#[cfg(feature = "tls")]
mod material {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, TrustAnchor};
    use tonic::transport::{ClientTlsConfig, Endpoint, Identity};
    use zeroize::Zeroizing;

    use super::super::Address;
    use super::{Pem, TlsConfig};

    /// Everything a TLS connection needs, read and checked. The same for all endpoints.
    #[derive(Clone)]
    pub(crate) struct TlsMaterial {
        config: ClientTlsConfig,
    }

    impl TlsMaterial {
        pub(in super::super) fn system_roots() -> Option<Self> {
            Some(Self { config: ClientTlsConfig::new().with_native_roots() })
        }

        pub(crate) fn config(&self) -> ClientTlsConfig {
            self.config.clone()
        }

        /// What shows only when the parts come together: a key of another certificate, a system without roots.
        pub(in super::super) fn check(&self, address: &Address) -> Result<(), String> {
            let endpoint = Endpoint::from_shared(address.to_string()).map_err(|error| error.to_string())?;
            match endpoint.tls_config(self.config()) {
                Ok(_) => Ok(()),
                Err(error) => Err(std::error::Error::source(&error).unwrap_or(&error).to_string()),
            }
        }
    }

    impl TlsConfig {
        /// None when something is wrong, which then stands in `problems`.
        pub(in super::super) fn resolve(&self, problems: &mut Vec<String>) -> Option<TlsMaterial> {
            let before = problems.len();
            let mut note = |field: &str, why: String| problems.push(format!("tls.{field}: {why}"));
            let mut config = ClientTlsConfig::new();
            match &self.ca {
                None => config = config.with_native_roots(),
                Some(pem) => match read(pem).and_then(|pem| anchors(&pem)) {
                    Ok(anchors) => config = config.trust_anchors(anchors),
                    Err(why) => note("ca", why),
                },
            }
            match (&self.cert, &self.key) {
                (None, None) => {}
                (Some(_), None) => note("key", "is missing, but tls.cert is set".to_string()),
                (None, Some(_)) => note("cert", "is missing, but tls.key is set".to_string()),
                (Some(cert), Some(key)) => {
                    let cert = read(cert).and_then(|cert| certificates(&cert).map(|_| cert));
                    let key = read(key).and_then(|key| private_key(&key).map(|()| key));
                    match (cert, key) {
                        (Ok(cert), Ok(key)) => config = config.identity(Identity::from_pem(&*cert, &*key)),
                        (cert, key) => {
                            cert.err().into_iter().for_each(|why| note("cert", why));
                            key.err().into_iter().for_each(|why| note("key", why));
                        }
                    }
                }
            }
            if let Some(name) = &self.server_name {
                match ServerName::try_from(name.as_str()) {
                    Ok(_) => config = config.domain_name(name),
                    Err(_) => note("server_name", format!("{name:?} is neither a DNS name nor an IP address")),
                }
            }
            (problems.len() == before).then_some(TlsMaterial { config })
        }
    }

    fn read(pem: &Pem) -> Result<Zeroizing<Vec<u8>>, String> {
        match pem {
            Pem::Bytes(bytes) => Ok(Zeroizing::new(bytes.clone())),
            Pem::File(path) => match std::fs::read(path) {
                Ok(bytes) => Ok(Zeroizing::new(bytes)),
                Err(error) => Err(format!("cannot read {}: {error}", path.display())),
            },
        }
    }

    fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match certificates {
            Ok(certificates) if certificates.is_empty() => Err("contains no certificate".to_string()),
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(format!("is no PEM: {error}")),
        }
    }

    fn anchors(pem: &[u8]) -> Result<Vec<TrustAnchor<'static>>, String> {
        let anchor = |certificate: &CertificateDer<'static>| match webpki::anchor_from_trusted_cert(certificate) {
            Ok(anchor) => Ok(anchor.to_owned()),
            Err(error) => Err(format!("contains a certificate that cannot be read: {error}")),
        };
        certificates(pem)?.iter().map(anchor).collect()
    }

    fn private_key(pem: &[u8]) -> Result<(), String> {
        // The parser's own words could repeat a part of the key.
        PrivateKeyDer::from_pem_slice(pem).map(drop).map_err(|_| "contains no private key that can be read".to_string())
    }
}

#[cfg(not(feature = "tls"))]
mod material {
    use super::super::Address;
    use super::TlsConfig;

    /// Does not exist in a build without TLS.
    #[derive(Clone)]
    pub(crate) enum TlsMaterial {}

    impl TlsMaterial {
        pub(in super::super) fn system_roots() -> Option<Self> {
            None
        }

        pub(in super::super) fn check(&self, _address: &Address) -> Result<(), String> {
            match *self {}
        }
    }

    impl TlsConfig {
        pub(in super::super) fn resolve(&self, _problems: &mut Vec<String>) -> Option<TlsMaterial> {
            let Self { ca: _, cert: _, key: _, server_name: _ } = self;
            None
        }
    }
}

pub(crate) use material::TlsMaterial;
