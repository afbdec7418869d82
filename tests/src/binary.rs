//! The `billing-portal` binary under test. It is rebuilt once per test process if it is stale.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Variable with the path of another binary to test, for instance a release build.
pub const OVERRIDE: &str = "PORTAL_UNDER_TEST";

/// Returns the path of the binary under test.
///
/// # Panics
/// When the binary does not build.
pub fn path() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(OVERRIDE) {
        Some(given) => PathBuf::from(given),
        None => build(),
    })
}

/// Returns the workspace's root folder.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}

/// Builds the binary with cargo, which returns immediately if nothing changed. The tests must not
/// run against a stale binary.
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
    // Variables that an outer `cargo test` sets would make other packages' build scripts run again.
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

/// Returns `target/<profile>`, the parent of the `deps` folder with this test executable.
fn profile_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let deps = own.parent().expect("an executable is in a folder");
    if deps.ends_with("deps") {
        deps.parent().expect("deps is in a folder").to_path_buf()
    } else {
        deps.to_path_buf()
    }
}
