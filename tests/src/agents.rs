//! Agents in every language that has a surface: one protocol, that of `src/bin/agent.rs`, and a program each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::binary::workspace;
use crate::c::{self, Library};
use crate::made::made;
use crate::process::Agent;
use crate::python::Python;

/// A language, or one of the two ways to use the library in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// The core itself.
    Rust,
    /// `gocore_etcd.h`.
    C,
    /// `gocore_etcd.hpp`.
    Cplusplus,
    /// `gocore_etcd`, which blocks.
    Python,
    /// `gocore_etcd.aio`.
    Asyncio,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 5] =
        [Language::Rust, Language::C, Language::Cplusplus, Language::Python, Language::Asyncio];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::C => "C",
            Language::Cplusplus => "C++",
            Language::Python => "Python",
            Language::Asyncio => "asyncio",
        }
    }

    /// What this machine lacks for programs in it, if anything.
    fn lacks(self) -> Option<String> {
        let compiler = |name| (!c::has(name)).then(|| format!("there is no {name}"));
        match self {
            Language::Rust => None,
            Language::C => compiler("gcc"),
            Language::Cplusplus => compiler("g++"),
            Language::Python | Language::Asyncio => {
                // Once: where PyPI cannot be reached, it takes pip its time to say so.
                static LACKS: LazyLock<Option<String>> = LazyLock::new(|| Python::of_machine().lacks());
                LACKS.clone()
            }
        }
    }
}

/// What cargo has built for them.
#[derive(Clone, Debug)]
pub struct Built {
    /// The agent in Rust.
    pub agent: PathBuf,
    /// `libgocore_etcd.so`.
    pub library: PathBuf,
}

/// The program of one language.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is written in.
    pub language: Language,
    run: Run,
}

#[derive(Clone, Debug)]
enum Run {
    Binary(PathBuf),
    Script(Python, PathBuf),
}

impl Program {
    /// Starts it in a process of its own; it says `connected` as soon as it is.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, prefix: &str, endpoints: &[String]) -> Agent {
        let mut command = match &self.run {
            Run::Binary(path) => Command::new(path),
            Run::Script(python, script) => {
                let mut command = python.command();
                command.arg(script);
                command
            }
        };
        command.arg(prefix).args(endpoints);
        Agent::spawn_command(command)
    }

    fn of(language: Language, built: &Built) -> Result<Program, String> {
        let source = |path: &str| workspace().join(path);
        let run = match language {
            Language::Rust => Run::Binary(built.agent.clone()),
            Language::C => Run::Binary(compiled("agent.c", &built.library)?),
            Language::Cplusplus => Run::Binary(compiled("agent.cpp", &built.library)?),
            Language::Python => Run::Script(Python::with_package()?, source("python/tests/agent.py")),
            Language::Asyncio => Run::Script(Python::with_package()?, source("python/tests/agent_async.py")),
        };
        Ok(Program { language, run })
    }
}

/// The programs that this machine can have.
#[derive(Clone, Debug)]
pub struct Programs {
    /// In the order of [`Language::ALL`].
    pub here: Vec<Program>,
    /// The others, and what is lacking for each.
    pub missing: Vec<(Language, String)>,
}

impl Programs {
    /// Makes all that can be had; in no time when nothing has changed.
    ///
    /// # Errors
    /// What a compiler or maturin said about our sources: where only a tool is lacking, the language is missing.
    pub fn make(built: &Built) -> Result<Programs, String> {
        let mut programs = Programs { here: Vec::new(), missing: Vec::new() };
        for language in Language::ALL {
            match language.lacks() {
                None => programs.here.push(Program::of(language, built)?),
                Some(why) => programs.missing.push((language, why)),
            }
        }
        Ok(programs)
    }

    /// Who is missing and why, for a person, in one line; empty when nobody is.
    pub fn missing(&self) -> String {
        let told = |(language, why): &(Language, String)| format!("{} ({why})", language.name());
        self.missing.iter().map(told).collect::<Vec<_>>().join(", ")
    }
}

/// An agent of `tests/agents/c`, kept beside the library that it is linked with.
fn compiled(name: &str, library: &Path) -> Result<PathBuf, String> {
    let dir = library.with_file_name("agents");
    let program = dir.join(name.replace('.', "_"));
    made(&program, &["tests/agents/c", "include"], "", || {
        Library::linked(library, &dir)?.compile(&workspace().join("tests/agents/c").join(name), &program, &[])
    })?;
    Ok(program)
}
