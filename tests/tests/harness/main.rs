//! The harness does what it says: a fault that is not one would make every test on it worthless.

mod cluster;
mod process;
mod proxy;
mod server;
