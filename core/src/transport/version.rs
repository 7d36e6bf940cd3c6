//! Warns of etcd versions with silent trouble. Once, in the background; it never fails anything.

use super::Transport;
use super::call::Call;
use super::plan::CallKind;
use crate::time::Deadline;

impl Transport {
    /// Asks one member for its version; who may not know it does not hear of it.
    pub(super) async fn warn_of_version(self, deadline: Deadline) {
        let call = Call { op: "client.version", key: &[], deadline, kind: CallKind::Read };
        let status = self.call(call, || {
            let mut maintenance = self.maintenance();
            async move { maintenance.status().await }
        });
        if let Ok(status) = status.await
            && let Some(trouble) = Version::parse(status.version()).and_then(Version::trouble)
        {
            tracing::warn!(version = status.version(), "this etcd {trouble}; please update it");
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl Version {
    /// `3.5.1`, `3.6.0-rc.2`: what follows the third number does not matter here.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..digits)?.parse().ok()
        });
        Some(Self(numbers.next()??, numbers.next()??, numbers.next()??))
    }

    fn trouble(self) -> Option<&'static str> {
        match self {
            Self(3, 5, 0..=2) => Some("can corrupt its data (fixed in 3.5.3)"),
            Self(3, 4, 21) | Self(3, 5, 5) => Some("can lose data consistency (3.4.21 and 3.5.5 were withdrawn)"),
            Self(..=2, _, _) | Self(3, ..=3, _) => Some("is older than 3.4 and not supported"),
            Self(3, 4, ..=37) | Self(3, 5, ..=22) | Self(3, 6, ..=4) => {
                Some("lacks fixes of its leases, without which locks can break (3.4.38, 3.5.23, 3.6.5 have them)")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
