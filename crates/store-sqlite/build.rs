//! Rebuilds the crate when a migration is added. `sqlx::migrate!` detects only changed files.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/sqlite");
}
