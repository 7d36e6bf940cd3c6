//! Elections: campaigning, and what anyone may ask.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use gocore_etcd_core::bridge::Limit;
use gocore_etcd_core::{ErrorKind, Leader, Observation};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::call::{Call, Connection, Operation, enter, limit_of, start};
use crate::client::Client;
use crate::feed::Feed;
use crate::leadership::Leadership;

/// Starts campaigning; the answer is a `Leadership`.
#[pyfunction]
pub(crate) fn election_campaign(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    key: String,
    identity: String,
    ttl: u64,
) -> PyResult<Operation> {
    let op = "election.campaign";
    enter(py, op, || {
        let connection = client.connection(op)?.clone();
        let core = connection.client.clone();
        let shown = key.clone();
        let call = Call { op, key: shown.as_bytes(), writes: false, limit: limit_of(limit), waiter };
        let work = async move { core.campaign(&key, &identity, Duration::from_nanos(ttl)).await };
        let owner = connection.clone();
        Ok(start(&connection.runtime, &connection.notices, call, work, move |py, leadership| {
            Ok(Py::new(py, Leadership::new(owner, Arc::new(leadership)))?.into_any())
        }))
    })
}

/// Starts campaigning where nobody else does; the answer is a `Leadership`, or None.
#[pyfunction]
pub(crate) fn election_try_campaign(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    key: String,
    identity: String,
    ttl: u64,
) -> PyResult<Operation> {
    let op = "election.campaign";
    enter(py, op, || {
        let connection = client.connection(op)?.clone();
        let core = connection.client.clone();
        let shown = key.clone();
        let call = Call { op, key: shown.as_bytes(), writes: false, limit: Limit::Default, waiter };
        let work = async move { core.try_campaign(&key, &identity, Duration::from_nanos(ttl)).await };
        let owner = connection.clone();
        Ok(start(&connection.runtime, &connection.notices, call, work, move |py, leadership| {
            leadership.map(|leadership| Leadership::new(owner, Arc::new(leadership))).into_py_any(py)
        }))
    })
}

/// Starts asking who leads; the answer is (identity, token, revision), or None.
#[pyfunction]
pub(crate) fn election_leader(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    key: String,
) -> PyResult<Operation> {
    let op = "election.leader";
    enter(py, op, || {
        let connection = client.connection(op)?;
        let core = connection.client.clone();
        let shown = key.clone();
        let call = Call { op, key: shown.as_bytes(), writes: false, limit: limit_of(limit), waiter };
        let work = async move { core.leader(&key).await };
        Ok(start(&connection.runtime, &connection.notices, call, work, leader))
    })
}

/// Starts observing; what it yields is what `election_leader` answers.
#[pyfunction]
pub(crate) fn election_observe(py: Python<'_>, client: &Client, key: &str) -> PyResult<Feed> {
    let op = "election.observe";
    enter(py, op, || {
        let connection = client.connection(op)?;
        Ok(observed(connection, connection.client.observe(key)?))
    })
}

/// It goes on over every error but the end of the client.
pub(crate) fn observed(connection: &Connection, observation: Observation) -> Feed {
    let leaders = stream::unfold(Some(observation), |observation| async move {
        let mut observation = observation?;
        let news = observation.next().await;
        let is_over = news.as_ref().is_err_and(|error| error.kind() == ErrorKind::Closed);
        Some((news, (!is_over).then_some(observation)))
    });
    Feed::new(connection, "election.observe", leaders, leader)
}

pub(crate) fn leader(py: Python<'_>, leader: Option<Leader>) -> PyResult<Py<PyAny>> {
    leader.map(|Leader { identity, token, revision, .. }| (identity, token, revision)).into_py_any(py)
}
