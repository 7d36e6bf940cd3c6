//! Follows the cluster's members: new ones are used, those that are gone are not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Transport;
use super::call::Call;
use super::health::Standing;
use super::plan::CallKind;
use crate::client_config::Address;
use crate::error::Result;
use crate::time::{Deadline, jittered};

impl Transport {
    /// Asks for the members every `interval`, until the task is dropped.
    pub(super) async fn follow_members(self, interval: Duration, patience: Duration) {
        loop {
            tokio::time::sleep(jittered(interval)).await;
            match self.advertised(Deadline::after(patience)).await {
                Ok(addresses) => self.adopt(addresses),
                Err(error) => tracing::debug!(%error, "the members are unknown for now"),
            }
        }
    }

    /// What the members advertise that this client could use.
    async fn advertised(&self, deadline: Deadline) -> Result<HashSet<Address>> {
        let call = Call { op: "client.sync", key: &[], deadline, kind: CallKind::Read };
        let list = self
            .call(call, || {
                let mut cluster = self.cluster();
                async move { cluster.member_list().await }
            })
            .await?;
        let urls = list.members().iter().filter(|member| !member.is_learner()).flat_map(|member| member.client_urls());
        // The scheme was chosen by the user: credentials never follow an advertised http:// out of TLS.
        let tls = self.uses_tls();
        Ok(urls.filter_map(|url| Address::parse(url, tls).ok()).filter(|address| address.is_tls() == tls).collect())
    }

    /// Adds what is new at once; what is gone goes only when one of the advertised answers. So neither an empty list
    /// nor members that advertise addresses nobody can reach from here ever cost us the endpoints that work.
    fn adopt(&self, advertised: HashSet<Address>) {
        let known = self.endpoints();
        let added: Vec<_> = advertised
            .iter()
            .filter(|address| known.iter().all(|endpoint| endpoint.address() != *address))
            .filter_map(|address| self.add_endpoint(address.clone()))
            .collect();
        let (mut kept, gone): (Vec<_>, Vec<_>) =
            known.iter().cloned().partition(|endpoint| advertised.contains(endpoint.address()));
        let proven = kept.iter().any(|endpoint| endpoint.standing() == Standing::Healthy);
        if added.is_empty() && (gone.is_empty() || !proven) {
            return;
        }
        kept.extend(added);
        if proven {
            for endpoint in &gone {
                tracing::info!(endpoint = %endpoint.address(), "endpoint removed: no member of the cluster any more");
            }
            self.set_endpoints(kept);
            gone.iter().for_each(|endpoint| endpoint.remove());
        } else {
            kept.extend(gone.into_iter().map(|endpoint| Arc::clone(&endpoint)));
            self.set_endpoints(kept);
        }
    }
}
