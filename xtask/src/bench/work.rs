//! What is measured: each operation for us, and for the plain etcd-client.

use std::time::{Duration, Instant};

use etcd_client::{Client as Plain, LockOptions, ResignOptions};
use gocore_etcd_core::Client;
use tokio::task::JoinSet;

use super::measure::{Round, Work, repeat};

/// No lock of the benchmark is to expire.
pub(super) const TTL: Duration = Duration::from_secs(60);
/// The lock that is held while others try it.
pub(super) const HELD: &str = "held";

const KEY: &str = "/bench/key";
/// What is written.
pub(super) const VALUE: &str = "a value of thirty-two characters";
const GETS: usize = 32;

/// Puts what is read.
pub(super) async fn prepare(plain: &Plain) -> Result<(), String> {
    plain.kv_client().put(KEY, VALUE, None).await.map(drop).map_err(told)
}

/// A lease for the plain client's locks; the server ends before it does.
pub(super) async fn lease(plain: &Plain) -> Result<i64, String> {
    plain.lease_client().grant(24 * 3600, None).await.map(|lease| lease.id()).map_err(told)
}

pub(super) fn get(ours: &Client) -> impl Work {
    let kv = ours.kv();
    async move |until| repeat(until, async || kv.get(KEY).await.map(drop)).await
}

pub(super) fn plain_get(plain: &Plain) -> impl Work {
    let mut kv = plain.kv_client();
    async move |until| repeat(until, async || kv.get(KEY, None).await.map(drop)).await
}

pub(super) fn put(ours: &Client) -> impl Work {
    let kv = ours.kv();
    async move |until| repeat(until, async || kv.put(KEY, VALUE).await.map(drop)).await
}

pub(super) fn plain_put(plain: &Plain) -> impl Work {
    let mut kv = plain.kv_client();
    async move |until| repeat(until, async || kv.put(KEY, VALUE, None).await.map(drop)).await
}

/// What a lock and its unlock cannot do without.
pub(super) fn two_puts(plain: &Plain) -> impl Work {
    let mut kv = plain.kv_client();
    async move |until| {
        let twice = async || {
            kv.put(KEY, VALUE, None).await?;
            kv.put(KEY, VALUE, None).await.map(drop)
        };
        repeat(until, twice).await
    }
}

// Not by `repeat`: the compiler cannot see that a task may take it along.
pub(super) fn gets(ours: &Client) -> impl Work {
    let kv = ours.kv();
    async move |until| {
        let reader = |_| {
            let kv = kv.clone();
            async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let began = Instant::now();
                    kv.get(KEY).await.map_err(told)?;
                    took.push(began.elapsed());
                }
                Ok(took)
            }
        };
        together(GETS, reader).await
    }
}

pub(super) fn plain_gets(plain: &Plain) -> impl Work {
    let kv = plain.kv_client();
    async move |until| {
        let reader = |_| {
            let mut kv = kv.clone();
            async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let began = Instant::now();
                    kv.get(KEY, None).await.map_err(told)?;
                    took.push(began.elapsed());
                }
                Ok(took)
            }
        };
        together(GETS, reader).await
    }
}

pub(super) fn lock(ours: &Client) -> impl Work {
    async move |until| repeat(until, async || ours.lock("free", TTL).await?.unlock().await).await
}

/// etcd's own lock service.
pub(super) fn plain_lock(plain: &Plain, lease: i64) -> impl Work {
    let mut locks = plain.lock_client();
    async move |until| {
        let turn = async || {
            let lock = locks.lock("/bench/free", Some(LockOptions::new().with_lease(lease))).await?;
            locks.unlock(lock.key()).await.map(drop)
        };
        repeat(until, turn).await
    }
}

pub(super) fn campaign(ours: &Client) -> impl Work {
    async move |until| repeat(until, async || ours.campaign("led", VALUE, TTL).await?.resign().await).await
}

/// etcd's own election service.
pub(super) fn plain_campaign(plain: &Plain, lease: i64) -> impl Work {
    let mut elections = plain.election_client();
    async move |until| {
        let turn = async || {
            let mut won = elections.campaign("/bench/led", VALUE, lease).await?;
            elections.resign(won.take_leader().map(|leader| ResignOptions::new().with_leader(leader))).await.map(drop)
        };
        repeat(until, turn).await
    }
}

pub(super) fn try_lock(ours: &Client) -> impl Work {
    async move |until| {
        let attempt = async || match ours.try_lock(HELD, TTL).await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err("a held lock was given to another".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        repeat(until, attempt).await
    }
}

/// So many at once, each a task of its own.
pub(super) async fn together<F>(count: usize, one: impl Fn(usize) -> F) -> Round
where
    F: Future<Output = Round> + Send + 'static,
{
    let mut tasks: JoinSet<Round> = (0..count).map(one).collect();
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done.map_err(told)??);
    }
    Ok(all)
}

/// An error as a text.
pub(super) fn told(error: impl ToString) -> String {
    error.to_string()
}
