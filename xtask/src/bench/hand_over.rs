//! The hand-over of a lock among sixteen waiters.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use etcd_client::{Client as Plain, LockOptions};
use gocore_etcd_core::Client;

use super::measure::Work;
use super::work::{TTL, VALUE, lease, together, told};

const WAITERS: usize = 16;

/// One for each waiter: with the same lease they would be the same owner.
pub(super) async fn leases(plain: &Plain) -> Result<Vec<i64>, String> {
    let mut leases = Vec::new();
    for _ in 0..WAITERS {
        leases.push(lease(plain).await?);
    }
    Ok(leases)
}

/// All queue again as soon as they had their turn; measured is from the begin of a release to the next owner's begin.
pub(super) fn ours(ours: &Client) -> impl Work {
    async move |until| {
        let baton = Baton::default();
        let runner = |_| {
            let (ours, baton) = (ours.clone(), baton.clone());
            async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let lock = ours.lock("passed on", TTL).await.map_err(told)?;
                    took.extend(baton.taken());
                    baton.given();
                    lock.unlock().await.map_err(told)?;
                }
                Ok(took)
            }
        };
        together(WAITERS, runner).await
    }
}

/// The same by etcd's own lock service.
pub(super) fn plain(plain: &Plain, leases: Vec<i64>) -> impl Work {
    async move |until| {
        let baton = Baton::default();
        let runner = |place: usize| {
            let (mut locks, baton, lease) = (plain.lock_client(), baton.clone(), leases[place]);
            async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let options = LockOptions::new().with_lease(lease);
                    let lock = locks.lock("/bench/passed on", Some(options)).await.map_err(told)?;
                    took.extend(baton.taken());
                    baton.given();
                    locks.unlock(lock.key()).await.map_err(told)?;
                }
                Ok(took)
            }
        };
        together(WAITERS, runner).await
    }
}

/// What a hand-over cannot do without: a write, its event, and a read to be sure.
pub(super) async fn floor(plain: &Plain) -> Result<impl Work, String> {
    const KEY: &str = "/bench/event";
    let mut events = plain.watch_client().watch(KEY, None).await.map_err(told)?;
    // The answer that says that the watch has begun.
    events.message().await.map_err(told)?;
    let mut kv = plain.kv_client();
    Ok(async move |until| {
        let mut took = Vec::new();
        while Instant::now() < until {
            let mut writer = kv.clone();
            let began = Instant::now();
            let put = tokio::spawn(async move { writer.put(KEY, VALUE, None).await });
            events.message().await.map_err(told)?;
            kv.get(KEY, None).await.map_err(told)?;
            took.push(began.elapsed());
            put.await.map_err(told)?.map_err(told)?;
        }
        Ok(took)
    })
}

/// When the last owner began to give it back.
#[derive(Clone, Default)]
struct Baton(Arc<Mutex<Option<Instant>>>);

impl Baton {
    fn given(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn taken(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map(|given| given.elapsed())
    }
}
