//! Tells cargo that a new migration is a reason to build: the macro that embeds them sees changed files only.

#![expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/postgres");
}
