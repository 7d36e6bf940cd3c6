//! Election: work that the leader does
//!
//! The work is begun when this leads, stopped when it leads no longer, and begun again.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::{Limit, Operation, Pace, invalid};
use gocore_etcd_core::{Candidacy, ErrorKind, Leadership, Result};

use self::stage::{Stage, Turn};
use crate::args::handle;
use crate::callback::events::Events;
use crate::callback::user_data::UserData;
use crate::callback::{Deliver, OwnThread};
use crate::client::{ClientShared, Pending, gocore_etcd_client};
use crate::election::{Candidate, gocore_etcd_election_options};
use crate::entry_point::{OK, enter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::leadership::gocore_etcd_leadership;
use crate::out::Out;
use crate::subscription::{gocore_etcd_subscription, gocore_etcd_user_free};

mod stage;

/// What the work returns: resign, let others lead, campaign again (after a pause, when it has led for less than 2 s).
pub const GOCORE_ETCD_RUN_AGAIN: i32 = 0;
/// What the work returns: resign, and the run is over. So is it for any other number.
pub const GOCORE_ETCD_RUN_DONE: i32 = 1;

/// The work: called when this leads, on a thread of its own; its return ends the leadership, and says what comes then, one
/// of GOCORE_ETCD_RUN_…. `leadership` is borrowed for the call: for its token, its guarded writes, proclaiming. Work that
/// resigns by itself is not stopped for that.
pub type gocore_etcd_run_start_callback =
    Option<extern "C" fn(user_data: *mut c_void, leadership: *mut gocore_etcd_leadership) -> i32>;

/// Tells the work that was begun with this fencing token to return soon: the leadership is lost, or the run is to end. Called
/// on another thread, at most once for each call of the work, perhaps before that has done its first step, and perhaps while
/// it returns: `stop` has returned before the work is called again and before `user_free`, no earlier. So it may touch only
/// what lives until `user_free`, nothing that is local to the work; best it keeps `token`, for the work to compare with its
/// own.
pub type gocore_etcd_run_stop_callback = Option<extern "C" fn(user_data: *mut c_void, token: i64)>;

/// Campaigns for the leadership of `key` in the background, and while leading has `start` do the work; when the leadership
/// is lost, `stop` is called, so that the work returns. Then it starts over, until the work says that it is done or the run
/// is cancelled. `*subscription` is the run, as a subscription.
///
/// `key`, `identity` and `options` are those of gocore_etcd_election_campaign. There is never more than one call of `start`:
/// as long as one has not returned this candidate does not campaign. How soon it returns after `stop` is the program's
/// affair; until then gocore_etcd_leadership_is_leader says how it stands, and guarded writes are refused by etcd. Whatever
/// fails is tried again after at most 2 s; the log tells of it. So is work that returns within 2 s of its beginning and is to
/// be begun again: after 50 ms at first, twice as long each further time, 2 s at most (±10 %).
///
/// It is ended by the functions of its subscription, which have `stop` called when work is running, and by
/// gocore_etcd_client_close, which waits for the work to return (but not for a client that dispatches). The leadership is
/// kept until the work has returned, apart from closing, which gives it back at once. That all is over, `user_free` tells.
///
/// `start` and `stop` run on threads of the library, also for clients that dispatch: work that blocks has no place in a loop
/// of events. A program with such a loop uses gocore_etcd_election_candidacy.
///
/// Cost: that of gocore_etcd_election_candidacy for each leadership, and one thread.
///
/// Ownership: the caller frees `*subscription` (which ends the run) and `*err`; `user_data` is given back by `user_free`
/// after `start` and `stop` have returned for the last time. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED;
/// RESOURCE_EXHAUSTED when the system gives no thread. Then no callback ever runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_election_run(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    identity: *const c_char,
    options: *const gocore_etcd_election_options,
    start: gocore_etcd_run_start_callback,
    stop: gocore_etcd_run_stop_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    subscription: *mut *mut gocore_etcd_subscription,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "election.run";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "subscription", subscription)?;
        let client = handle(op, "client", client)?;
        let candidate = Candidate::read(op, key, identity, options)?;
        let start = start.ok_or_else(|| invalid(op, "start", "must not be NULL"))?;
        let stop = stop.ok_or_else(|| invalid(op, "stop", "must not be NULL"))?;
        let pending = Pending::begin(&client, op)?;
        let thread = OwnThread::start(op, "gocore-etcd-run")?;
        let (stage, work) = Stage::new(start, stop, user, pending);
        let run = Run { stage, candidate, client: client.clone() };
        // Before there is a subscription: what the core refuses is refused here.
        let first = run.stand()?;
        let events = Events::new(Deliver::Own(thread), work);
        out.give(events.clone().into());
        let (cancelled, ended) = (events.cancelled().clone(), events.clone());
        let work = async move { run.until_done(first, &events).await };
        Operation::start(&client.runtime, op, Limit::Never, cancelled, work, move |_: Result<()>| ended.cancel());
        Ok(OK)
    })
}

/// Pauses between leaderships that were short, and how long one is that was not.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A run, as one operation. It stands on candidacies and not on the core's own `run_as_leader`, which ends work by dropping
/// it, and campaigns again at once: work in C ends when it returns, and until then this must not lead again.
struct Run {
    stage: Arc<Stage>,
    candidate: Candidate,
    client: Arc<ClientShared>,
}

impl Run {
    fn stand(&self) -> Result<Candidacy> {
        let Candidate { key, identity, ttl } = &self.candidate;
        self.client.client.candidacy(key, identity, *ttl)
    }

    async fn until_done(&self, first: Candidacy, events: &Arc<Events>) -> Result<()> {
        let mut candidacy = first;
        let mut pace = Pace::new(SHORTEST_PAUSE, LONGEST_PAUSE);
        loop {
            let leadership = win(candidacy).await?;
            pace.begin();
            if self.lead(leadership, events).await != GOCORE_ETCD_RUN_AGAIN {
                return Ok(());
            }
            // Work that fails at once would burn leaderships as fast as etcd gives them.
            tokio::select! {
                () = self.client.closing.cancelled() => {}
                () = pace.end() => {}
            }
            candidacy = self.stand()?;
        }
    }

    /// One leadership. Dropped in the middle it has the work stopped, and the work's return gives the leadership back.
    async fn lead(&self, leadership: Arc<Leadership>, events: &Arc<Events>) -> i32 {
        let loss = leadership.loss();
        // Given back is what the work has done itself, or closing, which is seen by itself.
        let lost = async {
            if !loss.await {
                std::future::pending().await
            }
        };
        let mut turn = Turn::begin(&self.stage, gocore_etcd_leadership::new(leadership.clone(), self.client.clone()));
        events.wake();
        let flow = tokio::select! {
            biased;
            flow = turn.returned() => flow,
            () = lost => turn.stopped().await,
            () = self.client.closing.cancelled() => turn.stopped().await,
        };
        if let Err(error) = leadership.resign().await {
            // Lost, or etcd is away: then dropping the leadership goes on giving it back.
            tracing::debug!(%error, "resigning after the work");
        }
        flow
    }
}

/// Waits until it leads. The candidacy ends, the leadership stays.
async fn win(mut candidacy: Candidacy) -> Result<Arc<Leadership>> {
    loop {
        match candidacy.changed().await {
            Ok(_) => {
                if let Some(leadership) = candidacy.leadership() {
                    return Ok(leadership);
                }
            }
            Err(error) if error.kind() == ErrorKind::Closed => return Err(error),
            Err(error) => tracing::warn!(%error, key = candidacy.key(), "campaigning fails, and goes on"),
        }
    }
}
