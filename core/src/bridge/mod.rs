//! What the C library and the Python package both stand on. Not for users of the Rust library.
//!
//! # Layout
//! - `runtime`: one runtime per process, started with the first client, ended after the last
//! - `helm`: who runs it: its keeper, a thread of ours, or a thread of the host's that waits; `stack`: if that has room
//! - `quiet`: threads that take none of the host's signals
//! - `op`: an operation: started on any thread, completed exactly once, cancelled from anywhere
//! - `checked`: calls that wait for others, whose arguments are checked before they are started
//! - `feed`: what goes on and on, taken by a consumer of the other language itself
//! - `standing`: a candidacy that many look at while one owns it
//! - `pace`: pauses between turns that end at once
//! - `request`: the way back: the core asks, the host answers
//! - `queue`: completions and wake-ups for a dispatcher of the other language; bounded event buffers
//! - `failure`: what a surface adds to an error
//! - `guard`: a panic becomes an error, and nobody is cancelled inside of a call
//! - `fork`: a forked child has none of our threads; it finds out before it touches a lock
//! - `per_process`: what a forked child has of its own
//! - `log`: what the core says of itself, for those who listen
//!
//! No type of C or of Python is known here, and nothing here calls into another language: a surface takes what it is
//! to say from a queue, on a thread of its own.

mod checked;
mod failure;
mod feed;
mod fork;
mod guard;
mod helm;
mod log;
mod op;
mod pace;
mod per_process;
mod queue;
mod quiet;
mod request;
mod runtime;
mod stack;
mod standing;

pub use checked::{checked_campaign, checked_lock};
pub use failure::{failed, invalid, maybe_applied, or_key, renamed};
pub use feed::{Feed, Taken};
pub use fork::{Generation, Owned};
pub use guard::{guarded, panic_for_a_test};
pub use log::{Log, LogLevel, LogRecord};
pub use op::{CancelToken, Limit, Operation};
pub use pace::Pace;
pub use per_process::PerProcess;
pub use queue::{Buffer, Notices};
pub use quiet::spawn_quiet_thread;
pub use request::{Request, Requests};
pub use runtime::{Runtime, Work};
pub use standing::{News, Standing};

#[cfg(test)]
mod tests;
