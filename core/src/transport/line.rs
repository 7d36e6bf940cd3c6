//! The connections to one endpoint: one for each class of traffic, made together and given up together.

use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::class::Class;
use super::dialer::Target;

/// The connections of one generation. They connect when they are first used.
pub(super) struct Line {
    unary: Channel,
    watch: Channel,
    keep_alive: Channel,
    /// Fires when this generation is given up: what waits on it must not wait longer.
    pub(super) left: CancellationToken,
}

impl Line {
    pub(super) fn new(target: &Target) -> Self {
        Self {
            unary: target.connect(),
            watch: target.connect(),
            keep_alive: target.connect(),
            left: CancellationToken::new(),
        }
    }

    /// The same generation with another connection for `class`; what runs on the old one ends there.
    pub(super) fn with(&self, class: Class, channel: Channel) -> Self {
        let choose = |own: Class| if own == class { channel.clone() } else { self.channel(own) };
        Self {
            unary: choose(Class::Unary),
            watch: choose(Class::Watch),
            keep_alive: choose(Class::KeepAlive),
            left: self.left.clone(),
        }
    }

    pub(super) fn channel(&self, class: Class) -> Channel {
        match class {
            Class::Unary => self.unary.clone(),
            Class::Watch => self.watch.clone(),
            Class::KeepAlive => self.keep_alive.clone(),
        }
    }
}
