//! Campaigning in the background.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::CandidacyState;
use gocore_etcd_core::bridge::{self, CancelToken, Limit, Standing, failed};
use gocore_etcd_core::{Error, ErrorKind};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::call::{Call, Operation, enter, limit_of};
use crate::client::Client;
use crate::error::raise;
use crate::feed::Feed;
use crate::held::Held;
use crate::leadership::Leadership;

/// A candidacy. It ends in the background when nobody has it any more.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Candidacy(Held<Standing>);

#[pymethods]
impl Candidacy {
    #[getter]
    fn key(&self) -> &str {
        self.0.key()
    }

    /// How it stands: ("waiting", place or None), ("leading", token), ("lost",), ("resigned",).
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let op = "candidacy.state";
        state(py, enter(py, op, || Ok(self.0.get(op)?.state()))?)
    }

    /// Whether it leads now. Never, in a forked child: there it belongs to the parent.
    fn is_leader(&self) -> bool {
        let leads = |standing: &Standing| matches!(standing.state(), CandidacyState::Leading { .. });
        self.0.get("candidacy.is_leader").is_ok_and(leads)
    }

    /// The leadership, while it leads.
    #[getter]
    fn leadership(&self, py: Python<'_>) -> PyResult<Option<Leadership>> {
        let op = "candidacy.leadership";
        enter(py, op, || {
            let connection = self.0.connection(op)?;
            let leadership = self.0.get(op)?.leadership();
            Ok(leadership.map(|leadership| Leadership::new(connection.clone(), leadership)))
        })
    }
}

/// Begins to campaign in the background.
#[pyfunction]
pub(crate) fn election_candidacy(
    py: Python<'_>,
    client: &Client,
    key: &str,
    identity: &str,
    ttl: u64,
) -> PyResult<Candidacy> {
    let op = "election.candidacy";
    enter(py, op, || {
        let connection = client.connection(op)?.clone();
        let begun = connection.client.candidacy(key, identity, Duration::from_nanos(ttl))?;
        let key = begun.key().to_owned();
        let (standing, stand) = Standing::of(begun);
        // It ends when nobody can ask any more: with the object.
        bridge::Operation::start(&connection.runtime, op, Limit::Never, CancelToken::new(), stand, drop);
        Ok(Candidacy(Held::new(connection, key, Arc::new(standing))))
    })
}

/// What becomes of it: states, the present one first, and failures that do not pass by themselves.
#[pyfunction]
pub(crate) fn candidacy_news(py: Python<'_>, candidacy: &Candidacy) -> PyResult<Feed> {
    let op = "election.candidacy";
    enter(py, op, || {
        let news = candidacy.0.get(op)?.news();
        Ok(Feed::new(candidacy.0.connection(op)?, op, news, state))
    })
}

/// Starts ending it; the answer is None.
#[pyfunction]
pub(crate) fn candidacy_resign(
    py: Python<'_>,
    candidacy: &Candidacy,
    waiter: u64,
    limit: Option<i64>,
) -> PyResult<Operation> {
    let op = "candidacy.resign";
    let resign = |standing: Arc<Standing>| async move { standing.resign(op).await };
    let call = Call { op, key: b"", writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || Ok(candidacy.0.begin(call, resign, |py, ()| Ok(py.None()))?.going_on()))
}

fn state(py: Python<'_>, state: CandidacyState) -> PyResult<Py<PyAny>> {
    match state {
        CandidacyState::Waiting { place } => ("waiting", place).into_py_any(py),
        CandidacyState::Leading { token } => ("leading", token).into_py_any(py),
        CandidacyState::Lost => ("lost",).into_py_any(py),
        CandidacyState::Resigned => ("resigned",).into_py_any(py),
        other => Err(raise(py, &unknown(other))),
    }
}

/// Core can grow; this module is built with it.
fn unknown(state: CandidacyState) -> Error {
    failed(ErrorKind::Internal, "election.candidacy", format!("there is no Python for {state:?}"))
}
