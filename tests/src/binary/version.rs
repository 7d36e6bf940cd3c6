//! The version of an etcd binary, and what it tells about its leases.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

/// A version of etcd; a pre-release counts as the release it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3, in all servers we know.
    pub major: u32,
    /// A release line, with patches of its own.
    pub minor: u32,
    /// The patch within the line.
    pub patch: u32,
}

impl Version {
    /// Asks the binary itself.
    pub(super) fn of(binary: &Path) -> Result<Version, String> {
        let output = Command::new(binary).arg("--version").output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let named = text.lines().find_map(|line| line.strip_prefix("etcd Version:"));
        named.and_then(|version| version.parse().ok()).ok_or_else(|| "`--version` names no etcd version".to_owned())
    }

    /// Fixed in 3.4.38, 3.5.23, 3.6.5 and everything newer.
    pub(super) fn has_lease_fixes(self) -> bool {
        match (self.major, self.minor) {
            (3, 4) => self.patch >= 38,
            (3, 5) => self.patch >= 23,
            (3, 6) => self.patch >= 5,
            line => line >= (3, 7),
        }
    }
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Version, ()> {
        let numbers = text.trim().trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let mut parts = numbers.split('.').map(|part| part.parse().map_err(|_| ()));
        let mut next = || parts.next().unwrap_or(Err(()));
        Ok(Version { major: next()?, minor: next()?, patch: next()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests;
