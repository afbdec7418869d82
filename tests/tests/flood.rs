//! A short flood of wrong API keys against the binary under test. It checks counts and memory only.

use std::process::Command;

use workspace_tests::binary;

#[test]
fn c7_flood_of_wrong_secrets_runs_no_argon2_and_valid_requests_succeed() {
    let bench = Command::new(env!("CARGO_BIN_EXE_auth-bench"))
        .arg("--quick")
        .arg(binary::path())
        .arg(env!("CARGO_BIN_EXE_portal-upstream"))
        .output()
        .expect("the benchmark starts");
    let output = String::from_utf8_lossy(&bench.stdout);
    println!("{output}");
    assert!(bench.status.success(), "{output}\n{}", String::from_utf8_lossy(&bench.stderr));
}
