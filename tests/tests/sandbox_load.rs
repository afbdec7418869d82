//! A short load test of the sandbox in the binary under test. Every call succeeds and every link
//! opens. Rates are not checked.

use std::process::Command;

use workspace_tests::binary;

#[test]
fn sixteen_concurrent_clients_create_customers_and_open_sessions() {
    let bench = Command::new(env!("CARGO_BIN_EXE_sandbox-bench"))
        .arg("--quick")
        .arg(binary::path())
        .output()
        .expect("the benchmark starts");
    let output = String::from_utf8_lossy(&bench.stdout);
    println!("{output}");
    assert!(bench.status.success(), "{output}\n{}", String::from_utf8_lossy(&bench.stderr));
}
