//! Version
//!
//! The library's own version, and that of its binary interface.

use std::ffi::{CStr, c_char};

/// The version of the binary interface this header describes; the number in the library's soname. It changes when a
/// function is removed or changed, never when one is added.
pub const GOCORE_ETCD_ABI_VERSION: u32 = 0;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version without NUL"),
};

/// The version of the library that is loaded, such as "0.1.0".
///
/// Ownership: the text belongs to the library and lives as long as the process. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The version of the binary interface of the library that is loaded; compare it with GOCORE_ETCD_ABI_VERSION.
///
/// Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_abi_version() -> u32 {
    GOCORE_ETCD_ABI_VERSION
}
