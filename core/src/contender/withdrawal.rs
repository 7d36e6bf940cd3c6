//! Taking a contender's key out of etcd, in the background, whatever stands in the way.

use super::place::{LONGEST_PAUSE, Presence, SHORTEST_PAUSE};
use crate::error::{Error, ErrorKind};
use crate::kv::Door;
use crate::session::Session;
use crate::time::{BootTime, Deadline, jittered};
use crate::transport::CallKind;
use crate::txn::{Cmp, Compare, Op, Txn};

/// Takes a contender's key out of etcd, however long etcd is away: until it is gone, or the lease is, which takes it.
pub(super) async fn withdraw(door: &Door, session: &Session, key: &str, presence: Presence) {
    let lease = session.lease();
    let mut unsettled_at = BootTime::now().plus(lease.ttl());
    let mut pause = SHORTEST_PAUSE;
    while lease.is_held() {
        match try_withdraw(door, session, key, presence).await {
            Ok(()) => return,
            Err(Unsettled { error, is_absent }) => {
                tracing::debug!(%error, key, "withdrawing a contender failed, will be tried again");
                if is_absent && error.kind() == ErrorKind::ResourceExhausted {
                    // A full store takes no fence; but nothing older can land in it either.
                    unsettled_at = BootTime::now().plus(lease.ttl());
                }
            }
        }
        if BootTime::now() >= unsettled_at {
            // Rather the session than a key that is kept alive for ever.
            lease.lose("what became of a contender could not be settled within the TTL");
            return;
        }
        tokio::select! {
            () = lease.lost() => return,
            () = tokio::time::sleep(jittered(pause)) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Why it could not be withdrawn.
struct Unsettled {
    error: Error,
    /// The key is not there; only what was sent earlier could still bring it.
    is_absent: bool,
}

impl From<Error> for Unsettled {
    fn from(error: Error) -> Self {
        Self { error, is_absent: false }
    }
}

async fn try_withdraw(door: &Door, session: &Session, key: &str, presence: Presence) -> Result<(), Unsettled> {
    let created = match presence {
        Presence::Absent => return Ok(()),
        Presence::At(revision) => revision,
        Presence::Unknown => {
            let raised = session.raise_fence(Deadline::after(door.request_timeout())).await;
            // With or without the fence: what is there now can go. Only with it nothing will come afterwards.
            let found = door.get(key.into()).await?.filter(|found| found.lease == session.lease().id());
            if let Some(found) = found {
                door.commit(delete_if_created_at(key, found.create_revision), CallKind::Repeatable).await?;
            }
            return raised.map_err(|error| Unsettled { error, is_absent: true });
        }
    };
    // A copy that arrives late deletes this incarnation or nothing.
    Ok(door.commit(delete_if_created_at(key, created), CallKind::Repeatable).await.map(drop)?)
}

pub(super) fn delete_if_created_at(key: &str, revision: i64) -> Txn {
    Txn::new().when(Compare::create_revision(key, Cmp::Equal, revision)).then(Op::delete(key))
}
