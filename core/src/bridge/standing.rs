//! A candidacy behind a handle of the other language: any thread reads how it stands and asks it to resign, while one
//! operation owns it and waits for what comes.

use std::sync::{Arc, Weak};

use futures_util::{Stream, stream};
use tokio::sync::{mpsc, oneshot, watch};

use super::failure::failed;
use crate::election::told::{Tale, Told};
use crate::election::{Candidacy, CandidacyState, Leadership};
use crate::error::{ErrorKind, Result};

/// What the handle asks: to resign.
type Ask = oneshot::Sender<Result<()>>;

/// How a candidacy stands, for any number of readers; clones are the same. It ends with the last of them.
#[derive(Clone, Debug)]
pub struct Standing {
    seen: watch::Receiver<Seen>,
    asks: mpsc::UnboundedSender<Ask>,
}

#[derive(Debug)]
struct Seen {
    /// A problem is kept in it over what follows: who was slow hears of it all the same.
    tale: Tale,
    /// Weak: the candidacy has it, and gives it back.
    leadership: Weak<Leadership>,
}

impl Seen {
    fn new() -> Self {
        Self { tale: Tale::new(), leadership: Weak::new() }
    }

    /// By the clock: that a leadership is over is known before anybody was told.
    fn state(&self) -> CandidacyState {
        let CandidacyState::Leading { .. } = self.tale.state else { return self.tale.state };
        match self.leadership.upgrade() {
            Some(leadership) if leadership.is_leader() => self.tale.state,
            Some(over) if over.was_given_back() => CandidacyState::Resigned,
            _ => CandidacyState::Lost,
        }
    }

    fn leadership(&self) -> Option<Arc<Leadership>> {
        self.leadership.upgrade().filter(|leadership| leadership.is_leader())
    }

    fn take(&mut self, news: News, leadership: Option<Arc<Leadership>>) {
        // Having resigned it hears of its past yet.
        if self.tale.state == CandidacyState::Resigned {
            return;
        }
        match news {
            Ok(state) => {
                // The one it is about: there may be a later one already, which is told next.
                let of = |leadership: &Arc<Leadership>| state == CandidacyState::Leading { token: leadership.token() };
                self.leadership = leadership.filter(of).as_ref().map(Arc::downgrade).unwrap_or_default();
                self.tale.state = state;
            }
            Err(problem) => self.tale.fail(problem),
        }
    }
}

/// What is told of it: the state, or a problem that it goes on in spite of.
pub type News = Result<CandidacyState>;

impl Standing {
    /// And what has to run, for as long as the candidacy is to live: it owns it.
    pub fn of(candidacy: Candidacy) -> (Self, impl Future<Output = Result<()>> + Send + use<>) {
        let (told, seen) = watch::channel(Seen::new());
        let (asks, asked) = mpsc::unbounded_channel();
        (Self { seen, asks }, stand(candidacy, told, asked))
    }

    /// How it stands now. That it leads is as exact as [`Leadership::is_leader`].
    pub fn state(&self) -> CandidacyState {
        self.seen.borrow().state()
    }

    /// The leadership, while it leads. Resigning it ends the candidacy.
    pub fn leadership(&self) -> Option<Arc<Leadership>> {
        self.seen.borrow().leadership()
    }

    /// Ends the candidacy, see [`Candidacy::resign`].
    ///
    /// # Errors
    /// Those of [`Candidacy::resign`]; Closed when the runtime has ended.
    ///
    /// # Cancel safety
    /// It goes on.
    pub async fn resign(&self, op: &'static str) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        // Nobody there: the client was closed, or the handle freed meanwhile.
        let gone = || failed(ErrorKind::Closed, op, "the candidacy has ended");
        self.asks.send(reply).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// First the present state, then each change. Whoever is slow may miss states, but not that between two leaderships
    /// there was none.
    pub fn news(&self) -> impl Stream<Item = News> + Send + 'static + use<> {
        let (mut seen, told) = (self.seen.clone(), Told::default());
        seen.mark_changed();
        stream::unfold((seen, told), |(mut seen, mut told)| async {
            loop {
                let news = told.next(&seen.borrow_and_update().tale);
                match news {
                    Some(news) => return Some((news, (seen, told))),
                    None if told.is_all() => return None,
                    None => seen.changed().await.ok()?,
                }
            }
        })
    }
}

/// Waits for what comes and does what is asked, until nobody can ask any more.
async fn stand(
    mut candidacy: Candidacy,
    told: watch::Sender<Seen>,
    mut asked: mpsc::UnboundedReceiver<Ask>,
) -> Result<()> {
    let mut over = false;
    loop {
        tokio::select! {
            ask = asked.recv() => match ask {
                Some(reply) => {
                    // Told before etcd has heard of it: from here on it is no candidate and leads no longer.
                    told.send_modify(|seen| seen.tale.state = CandidacyState::Resigned);
                    drop(reply.send(candidacy.resign().await));
                }
                None => return Ok(()),
            },
            news = candidacy.changed(), if !over => {
                over = matches!(&news, Err(error) if error.kind() == ErrorKind::Closed);
                if !over {
                    told.send_modify(|seen| seen.take(news, candidacy.leadership()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
