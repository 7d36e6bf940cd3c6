//! The library's own log, shown with a failing test.

use std::sync::Once;

use tracing_subscriber::EnvFilter;

/// Sends `tracing` events to the test's captured output, filtered by `RUST_LOG` (`warn` without it). Servers and
/// clusters call it when they start.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
        // A test that has its own subscriber keeps it.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    });
}
