//! A leadership that was won.

use std::sync::Arc;

use gocore_etcd_core::{Leadership as CoreLeadership, PutOptions};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::call::{Call, Connection, Operation, enter, limit_of};
use crate::election::{leader, observed};
use crate::feed::Feed;
use crate::held::{Guard, Held};

/// A leadership. Resigned in the background when nobody has it any more.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Leadership(Held<CoreLeadership>);

impl Leadership {
    pub(crate) fn new(connection: Arc<Connection>, leadership: Arc<CoreLeadership>) -> Self {
        let key = leadership.key().to_owned();
        Self(Held::new(connection, key, leadership))
    }
}

#[pymethods]
impl Leadership {
    #[getter]
    fn key(&self) -> &str {
        self.0.key()
    }

    #[getter]
    fn token(&self) -> i64 {
        self.0.peek().token()
    }

    /// It changes by proclaiming, so it is asked for under a lock, which a forked child must not touch.
    #[getter]
    fn identity(&self, py: Python<'_>) -> PyResult<String> {
        let op = "election.identity";
        enter(py, op, || Ok(self.0.get(op)?.identity().as_ref().to_owned()))
    }

    /// Whether it leads now. Never, in a forked child: there it belongs to the parent.
    fn is_leader(&self) -> bool {
        self.0.get("election.is_leader").is_ok_and(CoreLeadership::is_leader)
    }

    /// The condition under which a transaction is still the leader's.
    fn guard(&self) -> Guard {
        Guard(self.0.peek().guard())
    }
}

/// Starts waiting for its end, without keeping it from ending; the answer is whether it was lost: if not, it was given
/// back.
#[pyfunction]
pub(crate) fn leadership_loss(
    py: Python<'_>,
    leadership: &Leadership,
    waiter: u64,
    limit: Option<i64>,
) -> PyResult<Operation> {
    let op = "election.wait_lost";
    let loss = |leadership: Arc<CoreLeadership>| {
        let loss = leadership.loss();
        async move { Ok(loss.await) }
    };
    let call = Call { op, key: b"", writes: false, limit: limit_of(limit), waiter };
    enter(py, op, || leadership.0.begin(call, loss, |py, lost| lost.into_py_any(py)))
}

/// Starts a write that etcd carries out only if it still leads; the answer is its revision.
#[pyfunction]
pub(crate) fn leadership_put(
    py: Python<'_>,
    leadership: &Leadership,
    waiter: u64,
    limit: Option<i64>,
    key: &[u8],
    value: &[u8],
    lease: i64,
) -> PyResult<Operation> {
    let op = "election.put";
    let (key, value) = (key.to_vec(), value.to_vec());
    let options = PutOptions { lease, ..PutOptions::default() };
    let put = |leadership: Arc<CoreLeadership>| async move { leadership.put_with(key, value, options).await };
    let call = Call { op, key: b"", writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || leadership.0.begin(call, put, |py, revision| revision.into_py_any(py)))
}

/// Starts changing the identity that others see; the answer is None.
#[pyfunction]
pub(crate) fn leadership_proclaim(
    py: Python<'_>,
    leadership: &Leadership,
    waiter: u64,
    limit: Option<i64>,
    identity: String,
) -> PyResult<Operation> {
    let op = "election.proclaim";
    let proclaim = |leadership: Arc<CoreLeadership>| async move { leadership.proclaim(&identity).await };
    let call = Call { op, key: b"", writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || leadership.0.begin(call, proclaim, |py, ()| Ok(py.None())))
}

/// Starts giving it back; the answer is None.
#[pyfunction]
pub(crate) fn leadership_resign(
    py: Python<'_>,
    leadership: &Leadership,
    waiter: u64,
    limit: Option<i64>,
) -> PyResult<Operation> {
    let op = "election.resign";
    let resign = |leadership: Arc<CoreLeadership>| async move { leadership.resign().await };
    let call = Call { op, key: b"", writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || Ok(leadership.0.begin(call, resign, |py, ()| Ok(py.None()))?.going_on()))
}

/// Starts asking who leads its key; the answer is that of `election_leader`.
#[pyfunction]
pub(crate) fn leadership_leader(
    py: Python<'_>,
    leadership: &Leadership,
    waiter: u64,
    limit: Option<i64>,
) -> PyResult<Operation> {
    let op = "election.leader";
    let ask = |leadership: Arc<CoreLeadership>| async move { leadership.leader().await };
    let call = Call { op, key: b"", writes: false, limit: limit_of(limit), waiter };
    enter(py, op, || leadership.0.begin(call, ask, leader))
}

/// Starts observing who leads its key; what it yields is what `election_leader` answers.
#[pyfunction]
pub(crate) fn leadership_observe(py: Python<'_>, leadership: &Leadership) -> PyResult<Feed> {
    let op = "election.observe";
    enter(py, op, || Ok(observed(leadership.0.connection(op)?, leadership.0.get(op)?.observe()?)))
}
