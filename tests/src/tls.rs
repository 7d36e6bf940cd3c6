//! Certificates for a test: the right ones and the wrong ones, as PEM text and as files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tempfile::TempDir;

/// The name in [`Pki::elsewhere`], which no server here answers to.
pub const ELSEWHERE: &str = "etcd.elsewhere";

/// A certificate and its key, each as text and as a file.
#[derive(Debug)]
pub struct Identity {
    /// The certificate, PEM.
    pub cert: String,
    /// The key, PEM.
    pub key: String,
    /// The file with the certificate.
    pub cert_file: PathBuf,
    /// The file with the key.
    pub key_file: PathBuf,
}

/// A certificate authority and what it has signed, and a foreign one that nobody trusts.
#[derive(Debug)]
pub struct Pki {
    /// The authority that signed `server`, `elsewhere` and `client`.
    pub ca: Identity,
    /// For `localhost` and `127.0.0.1`.
    pub server: Identity,
    /// From the same authority, but for [`ELSEWHERE`] only.
    pub elsewhere: Identity,
    /// A client; its common name is the user `client`.
    pub client: Identity,
    /// An authority that signed none of the above.
    pub foreign_ca: Identity,
    /// A client of the foreign authority.
    pub foreign_client: Identity,
    /// The files go when this goes.
    _dir: TempDir,
}

impl Pki {
    /// Makes everything anew (some milliseconds).
    pub fn new() -> Arc<Pki> {
        let dir = tempfile::tempdir().expect("a directory for the certificates");
        let at = dir.path();
        let ca = authority("gocore-etcd test authority");
        let foreign = authority("foreign authority");
        Arc::new(Pki {
            server: signed(at, "server", &["localhost", "127.0.0.1"], &ca),
            elsewhere: signed(at, "elsewhere", &[ELSEWHERE], &ca),
            client: signed(at, "client", &["client"], &ca),
            foreign_client: signed(at, "foreign-client", &["client"], &foreign),
            ca: Identity::save(at, "ca", ca.pem(), ca.key()),
            foreign_ca: Identity::save(at, "foreign-ca", foreign.pem(), foreign.key()),
            _dir: dir,
        })
    }
}

impl Identity {
    fn save(dir: &Path, name: &str, cert: String, key: &KeyPair) -> Identity {
        let key = key.serialize_pem();
        let cert_file = dir.join(format!("{name}.pem"));
        let key_file = dir.join(format!("{name}.key"));
        fs::write(&cert_file, &cert).expect("the certificate's file");
        fs::write(&key_file, &key).expect("the key's file");
        Identity { cert, key, cert_file, key_file }
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

fn signed(dir: &Path, name: &str, names: &[&str], ca: &CertifiedIssuer<'static, KeyPair>) -> Identity {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("valid names");
    params.distinguished_name.push(DnType::CommonName, name);
    // Both usages for all: etcd's own gateway connects to the server with the server's certificate.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key");
    let cert = params.signed_by(&key, ca).expect("a certificate");
    Identity::save(dir, name, cert.pem(), &key)
}
