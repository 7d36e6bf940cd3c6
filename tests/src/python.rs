//! The Python package as its users get it: a wheel, installed into an environment that has nothing else.
//!
//! The tools (maturin, pytest, …) lie in a virtual environment under `target/python/`, made once, with the versions
//! of `python/tools.txt`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binary::{self, lock};
use crate::cargo::as_from_a_shell;
use crate::made::made;

/// What the wheel is made from, and how.
const SOURCES: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "core/Cargo.toml",
    "core/src",
    "python/Cargo.toml",
    "python/pyproject.toml",
    "python/README.md",
    "python/gocore_etcd",
    "python/src",
    "python/tools.txt",
];

const TOOLS: &str = include_str!("../../python/tools.txt");

/// An interpreter, by its path: of the machine, or of a virtual environment.
#[derive(Clone, Debug)]
pub struct Python(PathBuf);

impl Python {
    /// The machine's `python3`, or `$GOCORE_ETCD_PYTHON`.
    pub fn of_machine() -> Self {
        Self(env::var_os("GOCORE_ETCD_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from))
    }

    /// The one at this path.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The other interpreters of the machine that the package supports, one a version: on PATH, and pyenv's.
    pub fn others() -> Vec<Self> {
        let version = |python: &Python| python.output(["-c", "import sys, venv; print(sys.version_info[:2])"]).ok();
        let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
        let pyenv = pyenv.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
        let pyenv = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok()).into_iter().flatten().flatten();
        let places: Vec<_> =
            std::iter::once(PathBuf::new()).chain(pyenv.map(|entry| entry.path().join("bin"))).collect();
        let mut known = vec![version(&Self::of_machine())];
        let mut others = Vec::new();
        for minor in 11..20 {
            for place in &places {
                let python = Self(place.join(format!("python3.{minor}")));
                let version = version(&python);
                if version.is_some() && !known.contains(&version) {
                    known.push(version);
                    others.push(python);
                }
            }
        }
        others
    }

    /// The one with the tools, brought from PyPI if need be.
    ///
    /// # Errors
    /// What failed, for a person.
    pub fn with_tools() -> Result<Self, String> {
        let dir = directory()?;
        let tools = dir.join("tools");
        let stamp = tools.join("tools.txt");
        let python = Self(tools.join("bin/python"));
        let _lock = lock(&dir.join("lock")).map_err(|error| error.to_string())?;
        if fs::read_to_string(&stamp).is_ok_and(|made| made == TOOLS) {
            return Ok(python);
        }
        eprintln!("gocore_etcd: bringing the Python tools from PyPI, once ...");
        let path = tools.to_str().ok_or("the target directory's name is no text")?;
        Self::of_machine().run(["-m", "venv", "--clear", path])?;
        let list = binary::workspace().join("python/tools.txt");
        let list = list.to_str().ok_or("the workspace's name is no text")?;
        python.run(["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "-r", list])?;
        fs::write(&stamp, TOOLS).map_err(|error| error.to_string())?;
        Ok(python)
    }

    /// The one with the package of this tree: built and installed anew when a source of it has changed.
    ///
    /// # Errors
    /// What failed, for a person.
    pub fn with_package() -> Result<Self, String> {
        let (dir, machine) = (directory()?, Self::of_machine());
        let (place, out) = (dir.join("package"), dir.join("wheel"));
        let version = machine.output(["-c", "import sys; print(sys.executable, sys.version)"])?;
        made(&place, &SOURCES, &version, || {
            eprintln!("gocore_etcd: building the Python package ...");
            // One wheel lies there at a time.
            let _ = fs::remove_dir_all(&out);
            machine.install(&wheel(false, &out)?, &place).map(drop)
        })?;
        Ok(Self(place.join("bin/python")))
    }

    /// What it lacks for building and running the package, if anything.
    pub fn lacks(&self) -> Option<String> {
        let name = self.0.display();
        let probe = "import sys, venv, ensurepip; print(sys.version_info >= (3, 11), sys.version.split()[0])";
        match self.output(["-c", probe]).as_deref().map(str::trim) {
            Err(_) => Some(format!("there is no {name} with venv")),
            Ok(said) => match said.strip_prefix("False ") {
                Some(version) => Some(format!("{name} is {version}, older than 3.11")),
                None => Self::with_tools().err().map(|why| {
                    format!("its tools could not be had from PyPI: {}", why.lines().last().unwrap_or_default())
                }),
            },
        }
    }

    /// A new environment in `dir` with this wheel (or sdist) in it, and pytest in reach.
    ///
    /// # Errors
    /// What failed, for a person.
    pub fn install(&self, package: &Path, dir: &Path) -> Result<Self, String> {
        let (place, package) = (dir.to_string_lossy(), package.to_string_lossy());
        self.run(["-m", "venv", "--clear", "--without-pip", &place])?;
        let python = Self(dir.join("bin/python"));
        let tools = Self::with_tools()?;
        let own = python.0.to_string_lossy().into_owned();
        let quiet = ["-m", "pip", "--quiet", "--disable-pip-version-check", "--python", &own];
        tools.run(quiet.into_iter().chain(["install", "--no-index", "--no-deps", &package]))?;
        // After its own packages: the tools' are reached, and those it has itself come first.
        let site = "import site; print(site.getsitepackages()[0])";
        let (own_site, tools_site) = (python.output(["-c", site])?, tools.output(["-c", site])?);
        fs::write(Path::new(own_site.trim()).join("tools.pth"), tools_site).map_err(|error| error.to_string())?;
        Ok(python)
    }

    /// A command that runs it, without what the environment says about Python.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").stdin(Stdio::null());
        command
    }

    /// Runs it; its output is the test's.
    ///
    /// # Errors
    /// That it failed.
    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
        self.output(args).map(drop)
    }

    /// Runs it and gives what it wrote.
    ///
    /// # Errors
    /// What it wrote to stderr.
    pub fn output<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<String, String> {
        let mut command = self.command();
        command.args(args);
        let output = command.output().map_err(|error| format!("{}: {error}", self.0.display()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {}\n{said}", output.status))
    }
}

/// Builds the wheel (`release` or as the tests are built) into `out` and gives its path.
///
/// # Errors
/// What maturin said.
pub fn wheel(release: bool, out: &Path) -> Result<PathBuf, String> {
    let profile = if release { "release" } else { "dev" };
    package("whl", out, &["build", "--locked", "--profile", profile])
}

/// Builds the sdist into `out` and gives its path.
///
/// # Errors
/// What maturin said.
pub fn sdist(out: &Path) -> Result<PathBuf, String> {
    package("tar.gz", out, &["sdist"])
}

fn package(extension: &str, out: &Path, args: &[&str]) -> Result<PathBuf, String> {
    let tools = Python::with_tools()?;
    let mut maturin = tools.command();
    maturin.current_dir(binary::workspace().join("python")).args(["-m", "maturin"]).args(args).arg("--out").arg(out);
    as_from_a_shell(&mut maturin);
    // Which interpreter builds does not matter (abi3); always the same one spares building pyo3 again.
    if args.contains(&"build") {
        maturin.arg("--interpreter").arg(&tools.0);
    }
    let output = maturin.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("maturin: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let files = fs::read_dir(out).map_err(|error| error.to_string())?.flatten().map(|entry| entry.path());
    let mut built = files.filter(|path| path.to_string_lossy().ends_with(extension));
    built.next().ok_or_else(|| format!("maturin left no {extension} in {}", out.display()))
}

/// Where wheels for users are put.
///
/// # Errors
/// When it cannot be made.
pub fn wheels() -> Result<PathBuf, String> {
    let dir = binary::target().join("wheels");
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok(dir)
}

fn directory() -> Result<PathBuf, String> {
    let dir = binary::target().join("python");
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok(dir)
}
