//! `hallpass`: a few lines; all code lives in `crates/`.

fn main() {}
