//! What the players need: the library and the package as users get them, and the other packages, each in an environment
//! of its own. These come from PyPI; the benchmark alone wants them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use gocore_etcd_tests::c::Library;
use gocore_etcd_tests::python::{Python, wheel};

use crate::library;
use crate::run::workspace;

/// The other packages, and what pip is asked for: etcd3 wants a protobuf of its time.
pub(super) const PEERS: [(&str, &[&str]); 4] = [
    ("etcetra", &["etcetra==0.1.19"]),
    ("etcd-client-py", &["etcd-client-py==0.5.1"]),
    ("etcd3", &["etcd3==0.12.0", "protobuf<4"]),
    ("aetcd", &["aetcd==1.0.0"]),
];

fn directory() -> PathBuf {
    gocore_etcd_tests::binary::target().join("bench")
}

fn player(name: &str) -> PathBuf {
    workspace().join("xtask/players").join(name)
}

/// The player in C, with the optimised library.
pub(super) fn c() -> Result<Command, String> {
    let library = Library::linked(&library::build("release")?.shared, &directory().join("lib"))?;
    let program = directory().join("player");
    library.compile(&player("player.c"), &program, &["-O2"])?;
    Ok(Command::new(program))
}

/// An environment with the optimised package.
pub(super) fn python() -> Result<Python, String> {
    let out = directory().join("wheel");
    // One wheel lies there at a time.
    let _ = fs::remove_dir_all(&out);
    Python::of_machine().install(&wheel(true, &out)?, &directory().join("package"))
}

/// An environment with another package; made once.
pub(super) fn peer(name: &str, wants: &[&str]) -> Result<Python, String> {
    let place = directory().join(name);
    let (python, stamp) = (Python::at(&place.join("bin/python")), place.join("installed"));
    if !stamp.exists() {
        eprintln!("bringing {name} from PyPI, once ...");
        Python::of_machine().run(["-m", "venv", "--clear", &place.to_string_lossy()])?;
        let pip = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install"];
        python.run(pip.into_iter().chain(wants.iter().copied()))?;
        fs::write(&stamp, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}

/// A player in Python.
pub(super) fn python_player(python: &Python, script: &str) -> Command {
    let mut command = python.command();
    command.arg(player(script));
    command
}
