//! The README's program in Rust, made a file that a test includes and runs; its endpoint is the test's.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let readme = "../README.md";
    println!("cargo::rerun-if-changed={readme}");
    let text = fs::read_to_string(readme).expect("the README");
    let (_, rest) = text.split_once("```rust\n").expect("a block in Rust");
    let (block, _) = rest.split_once("\n```").expect("its end");
    let program = block.replace("[\"127.0.0.1:2379\"]", "[endpoint()]");
    assert_ne!(program, block, "it connects");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("readme.rs"), program).expect("written");
}
