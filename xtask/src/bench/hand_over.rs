//! The hand-over of a lock among sixteen waiters: alone, and while those who had it queue again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use etcd_client::{Client as Plain, GetOptions, LockOptions};
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

/// They stand in line, and the one before them lets go; measured is from the begin of a release to the next owner's
/// begin.
pub(super) fn ours_in_line(ours: &Client, plain: &Plain) -> impl Work {
    async move |until| {
        let mut all = Vec::new();
        while Instant::now() < until {
            let head = ours.lock("in line", TTL).await.map_err(told)?;
            let baton = Baton::default();
            let waiter = |_| {
                let (ours, baton) = (ours.clone(), baton.clone());
                async move {
                    let lock = ours.lock("in line", TTL).await.map_err(told)?;
                    let took = baton.passed_on().into_iter().collect();
                    lock.unlock().await.map_err(told)?;
                    Ok(took)
                }
            };
            let begin = async {
                all_queued(plain, "/go-core/locks/in line/").await?;
                baton.passed_on();
                head.unlock().await.map_err(told)
            };
            let (took, ()) = tokio::try_join!(together(WAITERS, waiter), begin)?;
            all.extend(took);
        }
        Ok(all)
    }
}

/// The same by etcd's own lock service.
pub(super) fn plain_in_line(plain: &Plain, leases: Vec<i64>, head: i64) -> impl Work {
    async move |until| {
        let mut locks = plain.lock_client();
        let options = |lease| Some(LockOptions::new().with_lease(lease));
        let mut all = Vec::new();
        while Instant::now() < until {
            let head = locks.lock("/bench/in line", options(head)).await.map_err(told)?;
            let baton = Baton::default();
            let waiter = |place: usize| {
                let (mut locks, baton, lease) = (plain.lock_client(), baton.clone(), leases[place]);
                async move {
                    let lock = locks.lock("/bench/in line", options(lease)).await.map_err(told)?;
                    let took = baton.passed_on().into_iter().collect();
                    locks.unlock(lock.key()).await.map_err(told)?;
                    Ok(took)
                }
            };
            let begin = async {
                all_queued(plain, "/bench/in line/").await?;
                baton.passed_on();
                plain.lock_client().unlock(head.key()).await.map_err(told)
            };
            let (took, _) = tokio::try_join!(together(WAITERS, waiter), begin)?;
            all.extend(took);
        }
        Ok(all)
    }
}

/// Ends when all waiters are there, and the one who holds.
async fn all_queued(plain: &Plain, queue: &str) -> Result<(), String> {
    let mut kv = plain.kv_client();
    let count = || Some(GetOptions::new().with_prefix().with_count_only());
    while kv.get(queue, count()).await.map_err(told)?.count() <= WAITERS as i64 {}
    // Their watches follow.
    tokio::time::sleep(Duration::from_millis(5)).await;
    Ok(())
}

/// All queue again as soon as they had their turn, so that a hand-over shares etcd's log with another's entry.
pub(super) fn ours(ours: &Client) -> impl Work {
    async move |until| {
        let baton = Baton::default();
        let runner = |_| {
            let (ours, baton) = (ours.clone(), baton.clone());
            async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let lock = ours.lock("passed on", TTL).await.map_err(told)?;
                    took.extend(baton.passed_on());
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
                    took.extend(baton.passed_on());
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
    /// Whoever had it begins to give it back now. How long it was on its way to them.
    fn passed_on(&self) -> Option<Duration> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(Instant::now());
        given.map(|given| given.elapsed())
    }
}
