//! Rebuilds the crate for new migrations: the macro that embeds them only detects changed files.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/sqlite");
}
