//! The situations of these tests, each in a line.

use std::sync::LazyLock;
use std::time::Duration;

use gocore_etcd_tests::agents::{Built, Language, Program, Programs};
use gocore_etcd_tests::c::built_for_tests;
use gocore_etcd_tests::process::Event;
use gocore_etcd_tests::{Agent, not_run};
use serde_json::{Value, json};

/// What happens at once, on a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The agents' programs, one a language; made once for all tests of this process.
pub(crate) fn programs() -> &'static [Program] {
    static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
        let (agent, library) = (env!("CARGO_BIN_EXE_agent").into(), built_for_tests("libgocore_etcd.so"));
        let programs = Programs::make(&Built { agent, library }).unwrap_or_else(|why| panic!("{why}"));
        for (language, why) in &programs.missing {
            not_run(&format!("the agent in {}", language.name()), why);
        }
        programs.here
    });
    &PROGRAMS
}

/// The one in Rust.
pub(crate) fn rust() -> &'static Program {
    let mut programs = programs().iter();
    programs.find(|program| program.language == Language::Rust).expect("cargo has built us too")
}

/// A process of its own that uses the library.
pub(crate) async fn agent(program: &Program, prefix: &str, endpoints: &[String]) -> Agent {
    let mut agent = program.start(prefix, endpoints);
    agent.expect("connected", SOON).await;
    agent
}

/// Gives an agent a command.
pub(crate) fn ask(agent: &mut Agent, command: Value) {
    agent.send(&command).expect("the agent listens");
}

/// Has an agent begin to take the lock `k`.
pub(crate) fn ask_lock(agent: &mut Agent, ttl: Duration) {
    ask(agent, json!({"do": "lock", "key": "k", "ttl_ms": ttl.as_millis() as u64}));
}

/// What an agent says about its lock.
pub(crate) async fn is_held(holder: &mut Agent) -> bool {
    ask(holder, json!({"do": "is_held"}));
    says_held(&holder.expect("held", SOON).await)
}

pub(crate) fn says_held(event: &Event) -> bool {
    event.body["held"].as_bool().expect("held")
}
