//! Lock example.
fn main() {}
