//! The harness's own runtime: proxies go on whatever the test does to its runtime (blocks it, pauses its clock).

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

static HARNESS: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("harness")
        .enable_all()
        .build()
        .expect("a runtime for the harness")
});

/// The runtime that proxies live on.
pub(crate) fn harness() -> &'static Runtime {
    &HARNESS
}
