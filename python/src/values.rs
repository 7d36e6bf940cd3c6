//! What is read: keys with their values, and what a watch tells. To Python they are frozen dataclasses.
//!
//! Native, because a watch makes several for every change: that takes 1.5 µs less than two dataclasses of Python's and the
//! tuple they were made from, and runs no Python. All but the two that hold a tuple are none of the garbage collector's
//! business either: what a read puts into them refers to nothing.

use gocore_etcd_core as core;
use pyo3::class::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

/// Declares a value: its fields with the types that Python sees, and what it has besides.
macro_rules! value {
    (
        $(#[doc = $doc:literal])+
        $name:ident {
            $( $(#[doc = $about:literal])+ $field:ident: $type:ty = $shown:literal, )+
        }
        $($more:tt)*
    ) => {
        $(#[doc = $doc])+
        #[pyclass(frozen, get_all, module = "gocore_etcd")]
        pub(crate) struct $name { $( $(#[doc = $about])+ pub(crate) $field: $type, )+ }

        impl $name {
            const FIELDS: &[(&'static str, &'static str)] = &[$( (stringify!($field), $shown) ),+];
        }

        #[pymethods]
        impl $name {
            #[new]
            fn new($( $field: $type ),+) -> Self {
                Self { $($field),+ }
            }

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, Self::FIELDS.iter().map(|(name, _)| name))
            }

            /// By it `dataclasses.replace`, `asdict`, `pprint` and so on take it for what it looks like.
            #[classattr]
            fn __dataclass_fields__(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                dataclass(py, stringify!($name), Self::FIELDS)?.getattr("__dataclass_fields__")
            }

            #[classattr]
            fn __dataclass_params__(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                dataclass(py, stringify!($name), Self::FIELDS)?.getattr("__dataclass_params__")
            }

            fn __eq__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                equal(slf, other, Self::FIELDS)
            }

            fn __hash__(slf: &Bound<'_, Self>) -> PyResult<isize> {
                contents(slf, Self::FIELDS)?.hash()
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                shown(slf, Self::FIELDS)
            }

            fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
                Ok((slf.get_type().into_any(), contents(slf, Self::FIELDS)?))
            }

            #[pyo3(signature = (**changes))]
            fn __replace__<'py>(
                slf: &Bound<'py, Self>,
                changes: Option<&Bound<'py, PyDict>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                slf.py().import("dataclasses")?.call_method("replace", (slf,), changes)
            }

            $($more)*
        }
    };
}

value! {
    /// A key with its value and its history in short.
    KeyValue {
        /// The key.
        key: Py<PyBytes> = "bytes",
        /// The value; empty when only keys were asked for.
        value: Py<PyBytes> = "bytes",
        /// The revision at which this incarnation of the key was created.
        create_revision: i64 = "int",
        /// The revision of its last change.
        mod_revision: i64 = "int",
        /// How often it was put since its creation.
        version: i64 = "int",
        /// The lease it is under, 0 for none.
        lease: i64 = "int",
    }
}

value! {
    /// A key was written.
    Put {
        /// The key as it is now; ``version`` 1 means that it was created.
        kv: Py<KeyValue> = "KeyValue",
    }

    /// The key.
    #[getter]
    fn key(&self, py: Python<'_>) -> Py<PyBytes> {
        self.kv.get().key.clone_ref(py)
    }

    /// The revision at which it was written.
    #[getter]
    fn revision(&self) -> i64 {
        self.kv.get().mod_revision
    }
}

value! {
    /// A key was deleted, or its lease ended.
    Delete {
        /// The key.
        key: Py<PyBytes> = "bytes",
        /// The revision at which it went.
        revision: i64 = "int",
    }
}

value! {
    /// All there is at this revision: replace your picture by it.
    ///
    /// It comes first, and again whenever the changes since the last update are lost: after a compaction, a restored
    /// cluster, or when more keys have changed than are kept for a slow consumer.
    Snapshot {
        /// The revision of the store.
        revision: i64 = "int",
        /// The keys, in order.
        kvs: Py<PyTuple> = "tuple[KeyValue, ...]",
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.kvs)
    }
}

value! {
    /// The changes of one revision, after all earlier ones and none of them twice.
    Changes {
        /// The revision.
        revision: i64 = "int",
        /// In no particular order.
        changes: Py<PyTuple> = "tuple[Change, ...]",
        /// Whether you were slow: then for each key only the newest change is there.
        coalesced: bool = "bool",
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.changes)
    }
}

value! {
    /// Whether changes come at once, or etcd is away and they will come later. Nothing is lost by it.
    Connected {
        /// False when etcd is away.
        connected: bool = "bool",
    }
}

impl KeyValue {
    pub(crate) fn of(py: Python<'_>, kv: core::KeyValue) -> Self {
        let core::KeyValue { key, value, create_revision, mod_revision, version, lease } = kv;
        let (key, value) = (PyBytes::new(py, &key).unbind(), PyBytes::new(py, &value).unbind());
        Self { key, value, create_revision, mod_revision, version, lease }
    }
}

/// What a value is to those that ask for all of it: the names of its fields and their types.
type Fields = [(&'static str, &'static str)];

fn contents<'py>(value: &Bound<'py, PyAny>, fields: &Fields) -> PyResult<Bound<'py, PyTuple>> {
    let contents: Vec<_> = fields.iter().map(|(name, _)| value.getattr(*name)).collect::<PyResult<_>>()?;
    PyTuple::new(value.py(), contents)
}

fn equal<'py>(value: &Bound<'py, PyAny>, other: &Bound<'py, PyAny>, fields: &Fields) -> PyResult<Bound<'py, PyAny>> {
    if !other.get_type().is(value.get_type()) {
        return Ok(value.py().NotImplemented().into_bound(value.py()));
    }
    contents(value, fields)?.rich_compare(contents(other, fields)?, CompareOp::Eq)
}

fn shown(value: &Bound<'_, PyAny>, fields: &Fields) -> PyResult<String> {
    let shown = |(name, _): &(_, _)| Ok(format!("{name}={}", value.getattr(*name)?.repr()?.to_str()?));
    let fields: Vec<_> = fields.iter().map(shown).collect::<PyResult<_>>()?;
    Ok(format!("{}({})", value.get_type().name()?, fields.join(", ")))
}

/// Python's own, for what it tells of itself.
fn dataclass<'py>(py: Python<'py>, name: &str, fields: &Fields) -> PyResult<Bound<'py, PyAny>> {
    let frozen = PyDict::new(py);
    frozen.set_item("frozen", true)?;
    py.import("dataclasses")?.call_method("make_dataclass", (name, fields), Some(&frozen))
}
