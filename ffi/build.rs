//! How the shared library is linked: its ABI number, and that it stays once it is loaded.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // The ABI's own number: 1 follows when a symbol is removed or changed, whatever the version of the crate.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libgocore_etcd.so.0");
        // A library with threads cannot be unloaded: dlclose leaves it where it is.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
