//! One endpoint: its connections, its health, and the task that probes it when something looks wrong.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::class::Class;
use super::common::Common;
use super::dialer::Target;
use super::failure;
use super::health::{Change, Health, Sign, Standing, Verdict};
use super::line::Line;
use super::locked;
use super::picker::EndpointId;
use super::probe::{Finding, Question};
use crate::client_config::Address;
use crate::time::{self, BootTime};

/// A timer that fires so late says that this process gets too little time, whatever the other side does.
const STARVED: Duration = Duration::from_millis(250);

/// Why a probe failed.
#[derive(Clone)]
pub(super) struct Failure {
    /// With the endpoint in it.
    pub(super) words: String,
    /// Only another configuration will help.
    pub(super) is_hopeless: bool,
}

pub(super) struct Endpoint {
    id: EndpointId,
    address: Address,
    target: Target,
    common: Arc<Common>,
    line: ArcSwap<Line>,
    health: Mutex<Health>,
    /// A copy of the health's standing, which every request reads.
    standing: AtomicU8,
    wake: Notify,
    has_answered: AtomicBool,
    /// What the last probe that failed has found.
    failure: Mutex<Option<Failure>>,
    removed: CancellationToken,
}

impl Endpoint {
    pub(super) fn new(id: EndpointId, address: Address, target: Target, common: Arc<Common>) -> Arc<Self> {
        let health = Health::new();
        Arc::new(Self {
            id,
            line: ArcSwap::from_pointee(Line::new(&target)),
            standing: AtomicU8::new(health.standing() as u8),
            health: Mutex::new(health),
            address,
            target,
            common,
            wake: Notify::new(),
            has_answered: AtomicBool::new(false),
            failure: Mutex::new(None),
            removed: CancellationToken::new(),
        })
    }

    pub(super) fn id(&self) -> EndpointId {
        self.id
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The connections to use now.
    pub(super) fn line(&self) -> Arc<Line> {
        self.line.load_full()
    }

    pub(super) fn standing(&self) -> Standing {
        Standing::from_number(self.standing.load(Ordering::Relaxed))
    }

    /// Why the last probe failed; None when it did not.
    pub(super) fn failure(&self) -> Option<Failure> {
        locked(&self.failure).clone()
    }

    /// A cause with what it was about, and a guess where the words alone do not help.
    pub(super) fn tell(&self, cause: &str) -> String {
        let tls = self.address.is_tls();
        let before = if tls && failure::is_handshake(cause) { "TLS handshake failed: " } else { "" };
        let after = match failure::is_closed(cause) && !self.has_answered.load(Ordering::Relaxed) {
            // With TLS 1.3 the server refuses only after our side of the handshake is through, and its words get lost.
            true if tls => " (right after the TLS handshake: does it want another client certificate?)",
            true => " (does it expect https?)",
            false => "",
        };
        format!("{}: {before}{cause}{after}", self.address)
    }

    /// Tells what a request noticed. Cheap, and never waits.
    pub(super) fn notice(&self, sign: Sign) {
        let (change, is_due) = {
            let mut health = locked(&self.health);
            let due = health.due();
            let change = health.notice(sign, BootTime::now());
            self.publish(health.standing());
            (change, health.due() != due)
        };
        self.follow(change, "no connection");
        if is_due {
            self.wake.notify_one();
        }
    }

    /// The keep-alive connection may be stuck: the next stream gets a new one.
    pub(super) fn renew_keep_alive(&self) {
        self.line.rcu(|line| line.with(Class::KeepAlive, self.target.connect()));
    }

    /// The member is no part of the cluster any more: its streams move, its task ends.
    pub(super) fn remove(&self) {
        {
            // No request that still comes back has a say afterwards.
            let _health = locked(&self.health);
            self.publish(Standing::Away);
            self.removed.cancel();
        }
        self.line().left.cancel();
    }

    /// Probes when a probe is due, until the endpoint is removed.
    pub(super) async fn watch_over(self: Arc<Self>) {
        tokio::select! {
            () = self.removed.cancelled() => {}
            () = self.probe_when_due() => {}
        }
    }

    async fn probe_when_due(&self) {
        loop {
            let due = locked(&self.health).due();
            match due {
                None => self.wake.notified().await,
                Some(at) if at > BootTime::now() => tokio::select! {
                    () = time::sleep_until(at) => {}
                    () = self.wake.notified() => {}
                },
                Some(_) => self.probe().await,
            }
        }
    }

    async fn probe(&self) {
        let patience = locked(&self.health).patience();
        let question = Question::new(&self.common.probe_key, self.common.tokens.current().header.clone());
        let channel = self.line().channel(Class::Unary);
        let begun = BootTime::now();
        let Finding { verdict, cause, detour } = question.put(channel, &self.target, patience).await;
        if verdict == Verdict::Silent && BootTime::now() > begun.plus(patience + STARVED) {
            // We were not run for a while, so it was not given its time: asked again, with more of it, not condemned.
            locked(&self.health).excuse();
            return;
        }
        if let Some(channel) = detour {
            tracing::debug!(endpoint = %self.address, "a connection is stuck: a new one from now on");
            self.line.rcu(|line| line.with(Class::Unary, channel.clone()));
        }
        *locked(&self.failure) = (verdict != Verdict::Alive)
            .then(|| Failure { words: self.tell(&cause), is_hopeless: self.is_hopeless(&cause) });
        self.has_answered.fetch_or(verdict == Verdict::Alive, Ordering::Relaxed);
        let change = {
            let mut health = locked(&self.health);
            let elsewhere = self.common.has_healthy_besides(health.standing());
            let change = health.judge(verdict, BootTime::now(), fastrand::f64(), elsewhere);
            self.publish(health.standing());
            change
        };
        self.follow(change, &cause);
        self.common.judged.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Makes the health's standing known; called while the health is locked, so that the last word stays the last.
    fn publish(&self, standing: Standing) {
        if self.removed.is_cancelled() {
            return;
        }
        let before = self.standing.swap(standing as u8, Ordering::Relaxed);
        self.common.count(Standing::from_number(before), standing);
    }

    fn is_hopeless(&self, cause: &str) -> bool {
        self.address.is_tls() && failure::is_refused_handshake(cause)
    }

    fn follow(&self, change: Change, why: &str) {
        match change {
            Change::None => {}
            Change::Returned => tracing::info!(endpoint = %self.address, "endpoint used again"),
            Change::Left | Change::Cut => tracing::warn!(endpoint = %self.address, why, "endpoint left"),
            Change::CutAgain => tracing::debug!(endpoint = %self.address, why, "endpoint still away"),
        }
        if matches!(change, Change::Cut | Change::CutAgain) {
            self.line.swap(Arc::new(Line::new(&self.target))).left.cancel();
        }
    }
}
