//! Keys and values: the plain arguments of Python become requests, the answers values and tuples of them.

use gocore_etcd_core::bridge::{Limit, invalid};
use gocore_etcd_core::{Cmp, Compare, KeyValue, Kv, Listing, Op, OpResult, Order, Range, Result, Txn, TxnResult};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyList;

use crate::call::{Call, Operation, enter, limit_of, start};
use crate::client::Client;
use crate::held::Guard;
use crate::values;

/// A plan is nested by hand; what is deeper was made by a mistake and would only exhaust the stack.
const DEEPEST: usize = 32;

/// Python's `Range`.
#[derive(FromPyObject)]
pub(crate) struct RangeArgument {
    first: PyBackedBytes,
    end: PyBackedBytes,
    limit: u32,
    revision: i64,
    keys_only: bool,
    count_only: bool,
    order: PyBackedStr,
    created_until: i64,
}

impl RangeArgument {
    pub(crate) fn into_range(self, op: &'static str) -> Result<Range> {
        let order = match &*self.order {
            "key" => Order::Key,
            "oldest" => Order::OldestCreated,
            "newest" => Order::NewestCreated,
            other => return Err(invalid(op, "order", format!("there is no order {other:?}"))),
        };
        let range = Range::between(self.first.to_vec(), self.end.to_vec());
        let range = range.limit(self.limit).at_revision(self.revision).order(order).created_until(self.created_until);
        let range = if self.keys_only { range.keys_only() } else { range };
        Ok(if self.count_only { range.count_only() } else { range })
    }
}

/// Python's `Compare`.
#[derive(FromPyObject)]
pub(crate) struct CompareArgument {
    target: PyBackedStr,
    key: PyBackedBytes,
    cmp: PyBackedStr,
    operand: Operand,
    end: PyBackedBytes,
}

#[derive(FromPyObject)]
enum Operand {
    Number(i64),
    Value(PyBackedBytes),
}

impl CompareArgument {
    fn into_compare(self, op: &'static str) -> Result<Compare> {
        let cmp = match &*self.cmp {
            "==" => Cmp::Equal,
            "!=" => Cmp::NotEqual,
            ">" => Cmp::Greater,
            "<" => Cmp::Less,
            other => return Err(invalid(op, "cmp", format!("there is no comparison {other:?}"))),
        };
        let key = self.key.to_vec();
        let compare = match (&*self.target, self.operand) {
            ("create_revision", Operand::Number(number)) => Compare::create_revision(key, cmp, number),
            ("mod_revision", Operand::Number(number)) => Compare::mod_revision(key, cmp, number),
            ("version", Operand::Number(number)) => Compare::version(key, cmp, number),
            ("lease", Operand::Number(number)) => Compare::lease(key, cmp, number),
            ("value", Operand::Value(value)) => Compare::value(key, cmp, value.to_vec()),
            (target, _) => return Err(invalid(op, "operand", format!("does not fit a comparison of {target}"))),
        };
        Ok(if self.end.is_empty() { compare } else { compare.until(self.end.to_vec()) })
    }
}

/// Reads a plan from Python's `Compare` and `Op` objects.
fn plan(op: &'static str, lists: &PlanArguments<'_>, depth: usize) -> PyResult<Result<Txn>> {
    if depth > DEEPEST {
        return Ok(Err(invalid(op, "then", format!("is nested more than {DEEPEST} deep"))));
    }
    let mut txn = Txn::new();
    for compare in lists.when.try_iter()? {
        match compare?.extract::<CompareArgument>()?.into_compare(op) {
            Ok(compare) => txn = txn.when(compare),
            Err(error) => return Ok(Err(error)),
        }
    }
    for (operations, holds) in [(&lists.then, true), (&lists.otherwise, false)] {
        for each in operations.try_iter()? {
            match operation(op, &each?, depth)? {
                Ok(each) if holds => txn = txn.then(each),
                Ok(each) => txn = txn.otherwise(each),
                Err(error) => return Ok(Err(error)),
            }
        }
    }
    Ok(Ok(txn))
}

/// The three lists of a transaction.
#[derive(FromPyObject)]
struct PlanArguments<'py> {
    when: Bound<'py, PyAny>,
    then: Bound<'py, PyAny>,
    otherwise: Bound<'py, PyAny>,
}

fn operation(op: &'static str, each: &Bound<'_, PyAny>, depth: usize) -> PyResult<Result<Op>> {
    let py = each.py();
    let kind = each.getattr(pyo3::intern!(py, "kind"))?.extract::<PyBackedStr>()?;
    let range = || each.getattr(pyo3::intern!(py, "range"))?.extract::<RangeArgument>();
    Ok(match &*kind {
        "put" => {
            let bytes = |name| each.getattr(name)?.extract::<PyBackedBytes>().map_err(PyErr::from);
            let lease = each.getattr(pyo3::intern!(py, "lease"))?.extract::<i64>()?;
            Ok(Op::put_under(bytes("key")?.to_vec(), bytes("value")?.to_vec(), lease))
        }
        "get" => range()?.into_range(op).map(Op::Get),
        "delete" => range()?.into_range(op).map(Op::Delete),
        "txn" => plan(op, &each.extract()?, depth + 1)?.map(Op::Txn),
        other => Err(invalid(op, "then", format!("there is no operation {other:?}"))),
    })
}

fn key_values(py: Python<'_>, kvs: Vec<KeyValue>) -> PyResult<Bound<'_, PyList>> {
    PyList::new(py, kvs.into_iter().map(|kv| values::KeyValue::of(py, kv)))
}

fn txn_result(py: Python<'_>, result: TxnResult) -> PyResult<Py<PyAny>> {
    let TxnResult { succeeded, revision, results } = result;
    let results: Vec<_> = results.into_iter().map(|each| op_result(py, each)).collect::<PyResult<_>>()?;
    (succeeded, revision, PyList::new(py, results)?).into_py_any(py)
}

/// By type: None for a put, a list for a read, a number for a delete, a tuple for a transaction.
fn op_result(py: Python<'_>, result: OpResult) -> PyResult<Py<PyAny>> {
    match result {
        OpResult::Get(kvs) => Ok(key_values(py, kvs)?.into_any().unbind()),
        OpResult::Delete(count) => count.into_py_any(py),
        OpResult::Txn(result) => txn_result(py, result),
        _ => Ok(py.None()),
    }
}

/// Starts a request within `limit`, which the request itself keeps: it alone knows whether it may have been applied.
fn begin<T, F>(
    client: &Client,
    call: Call<'_>,
    request: impl FnOnce(Kv) -> F,
    convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) -> Result<Operation>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let connection = client.connection(call.op)?;
    let kv = connection.client.kv();
    let kv = match call.limit.for_request() {
        Some(limit) => kv.with_timeout(limit),
        None => kv,
    };
    let call = Call { limit: Limit::Never, ..call };
    // Boxed at once: each hand it goes through would copy it.
    let request = Box::pin(request(kv));
    Ok(start(&connection.runtime, &connection.notices, call, request, convert))
}

/// Starts reading a key; the answer is a `KeyValue`, or None.
#[pyfunction]
pub(crate) fn kv_get(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    key: &[u8],
) -> PyResult<Operation> {
    let op = "kv.get";
    let call = Call { op, key, writes: false, limit: limit_of(limit), waiter };
    let wanted = key.to_vec();
    enter(py, op, || {
        begin(
            client,
            call,
            |kv| async move { kv.get(wanted).await },
            |py, found| found.map(|kv| values::KeyValue::of(py, kv)).into_py_any(py),
        )
    })
}

/// Starts reading a range; the answer is (list of keys, count, more, revision).
#[pyfunction]
pub(crate) fn kv_list(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    wanted: RangeArgument,
) -> PyResult<Operation> {
    let op = "kv.list";
    let first = wanted.first.to_vec();
    let call = Call { op, key: &first, writes: false, limit: limit_of(limit), waiter };
    enter(py, op, || {
        let range = wanted.into_range(op)?;
        begin(
            client,
            call,
            |kv| async move { kv.list(range).await },
            |py, listing| {
                let Listing { kvs, count, more, revision } = listing;
                (key_values(py, kvs)?, count, more, revision).into_py_any(py)
            },
        )
    })
}

/// Starts a write; the answer is its revision.
#[pyfunction]
pub(crate) fn kv_put(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    key: &[u8],
    value: &[u8],
    lease: i64,
) -> PyResult<Operation> {
    let op = "kv.put";
    let call = Call { op, key, writes: true, limit: limit_of(limit), waiter };
    let (wanted, value) = (key.to_vec(), value.to_vec());
    enter(py, op, || {
        begin(
            client,
            call,
            |kv| async move { kv.put_under(wanted, value, lease).await },
            |py, revision| revision.into_py_any(py),
        )
    })
}

/// Starts deleting a range; the answer is the number of keys deleted.
#[pyfunction]
pub(crate) fn kv_delete(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    wanted: RangeArgument,
) -> PyResult<Operation> {
    let op = "kv.delete";
    let first = wanted.first.to_vec();
    let call = Call { op, key: &first, writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || {
        let range = wanted.into_range(op)?;
        begin(client, call, |kv| async move { kv.delete(range).await }, |py, count| count.into_py_any(py))
    })
}

/// Starts a transaction; the answer is (succeeded, revision, results), a result being None for a put, a list for a
/// read, a number for a delete, such a tuple for a transaction.
#[pyfunction]
pub(crate) fn kv_txn(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    transaction: &Bound<'_, PyAny>,
    guards: Vec<PyRef<'_, Guard>>,
) -> PyResult<Operation> {
    let op = "kv.commit";
    let planned = plan(op, &transaction.extract()?, 0)?;
    let call = Call { op, key: b"", writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || {
        let txn = guards.iter().fold(planned?, |txn, guard| txn.guarded_by(guard.0.clone()));
        begin(client, call, |kv| async move { kv.commit(txn).await }, txn_result)
    })
}
