//! The C library as a host sees it: programs in C and C++, compiled against the header and the built library, run
//! against a real etcd. One file a group of promises.

mod asan;
mod classes;
mod docs;
mod header;
mod install;
mod null;
mod parse;
mod programs;
mod readme;
mod story;
mod walk;
mod watch;
