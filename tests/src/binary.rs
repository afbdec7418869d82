//! The built `billing-portal` binary: found beside the tests, brought up to date once per test process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names a binary to test instead of the one that cargo builds here, for instance a release build.
pub const OVERRIDE: &str = "PORTAL_UNDER_TEST";

/// The binary under test.
///
/// # Panics
/// When it does not build.
pub fn path() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(OVERRIDE) {
        Some(given) => PathBuf::from(given),
        None => build(),
    })
}

/// The workspace's root folder.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the workspace")
}

/// Always asks cargo, which answers in an instant where nothing changed: a stale binary would test the past.
fn build() -> PathBuf {
    let profile_folder = profile_folder();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace_root());
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "billing-portal",
        "--bin",
        "billing-portal",
    ]);
    if profile_folder.file_name().is_some_and(|name| name == "release") {
        cargo.arg("--release");
    }
    // What an outer `cargo test` sets for this package must not make build scripts of others run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
            .iter()
            .any(|p| text.starts_with(p))
        {
            cargo.env_remove(&name);
        }
    }
    let built = cargo.output().expect("cargo starts");
    assert!(
        built.status.success(),
        "the binary does not build:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    profile_folder.join("billing-portal")
}

/// `target/<profile>`: the folder above the `deps` that this test executable stands in.
fn profile_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let deps = own.parent().expect("an executable stands in a folder");
    if deps.ends_with("deps") {
        deps.parent().expect("deps stands in a folder").to_path_buf()
    } else {
        deps.to_path_buf()
    }
}
