//! The clock that all processes of a machine share, so that their events can be put in one order.

use std::time::Duration;

/// Time since boot, suspend included: comparable between processes, and the clock a session's deadline is on.
pub fn boottime() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec for the length of the call.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now) };
    assert_eq!(failed, 0, "CLOCK_BOOTTIME is there since Linux 2.6.39");
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
