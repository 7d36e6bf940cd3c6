//! The library's own log, shown with a failing test, or read by one.

use std::io;
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::Duration;

use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::EnvFilter;

use crate::eventually;

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

/// What is said on this thread from its beginning on, until it is dropped: by the library too, where the test and all tasks
/// of its clients run on one thread, as `#[tokio::test]` has it. Printed when the test panics.
pub struct Log {
    said: Said,
    _subscribed: DefaultGuard,
}

impl Log {
    /// As `filter` has it, in the language of `RUST_LOG`.
    pub fn begin(filter: &str) -> Log {
        let said = Said::default();
        let writer = said.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(false)
            .with_writer(move || writer.clone());
        Log { said, _subscribed: set_default(subscriber.finish()) }
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.said.0.lock().expect("not poisoned")).into_owned()
    }

    /// The lines in which all of `words` are.
    pub fn lines(&self, words: &[&str]) -> Vec<String> {
        let text = self.text();
        text.lines().filter(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned).collect()
    }

    /// Waits until a line has all of `words`.
    ///
    /// # Panics
    /// When `within` has passed.
    pub async fn until(&self, within: Duration, words: &[&str]) -> String {
        eventually(within, &format!("a line with {words:?}"), async || self.lines(words).pop()).await
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("--- the library's log:\n{}---", self.text());
        }
    }
}

#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
