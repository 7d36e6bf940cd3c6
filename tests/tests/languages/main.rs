//! What programs see that share locks over processes, in every language the library is used from: one protocol, one
//! scenario each, and an agent per language (`gocore_etcd_tests::agents`) to play in it.

mod exclusion;
mod leaders;
mod lost_in_time;
mod story;
