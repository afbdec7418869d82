//! `scripts/stripe-check` without Stripe: it compares the sandbox with itself.

use std::process::{Command, Output};

use sandbox_stripe::{Sandbox, SandboxSettings};
use workspace_tests::binary::workspace_root;
use workspace_tests::exchanges;

fn stripe_check(arguments: &[&str], key: Option<&str>) -> Output {
    let mut command = Command::new("python3");
    command
        .arg(workspace_root().join("scripts/stripe-check"))
        .args(arguments)
        .env_remove("STRIPE_API_KEY");
    if let Some(key) = key {
        command.env("STRIPE_API_KEY", key);
    }
    command.output().expect("Python 3 is installed")
}

/// Starts a sandbox that runs as long as the runtime exists.
fn sandbox() -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let settings =
        SandboxSettings { listen, record: exchanges::folder(), ..SandboxSettings::default() };
    let sandbox = runtime.block_on(Sandbox::bind(settings)).unwrap();
    let base = sandbox.base_url().to_owned();
    runtime.spawn(sandbox.serve(std::future::pending()));
    (runtime, base)
}

#[test]
fn sandbox_compared_with_itself_has_no_differences_and_is_cleaned_up() {
    let (_runtime, base) = sandbox();
    let done = stripe_check(&["--sandbox-only", "--sandbox", &base], None);
    let (output, errors) =
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{output}\n{errors}");
    assert!(
        output.trim_end().ends_with("calls compared, no differences") && errors.is_empty(),
        "{output}\n{errors}"
    );
    let calls: usize = output.split_whitespace().next().unwrap().parse().unwrap();
    assert!(calls > 80, "{output}");
}

#[test]
fn difference_is_reported_and_created_objects_are_removed() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (runtime, base) = sandbox();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = |request: reqwest::RequestBuilder| {
        let sent =
            async { request.bearer_auth("sk_test_1").send().await.unwrap().text().await.unwrap() };
        runtime.block_on(sent)
    };
    let rule = "fault=status%3D500&method=GET&path=/v1/customers/{customer}";
    send(client.post(format!("{base}/sandbox/faults")).body(rule));
    let done = stripe_check(&["--sandbox-only", "--sandbox", &base], None);
    let output = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(1), "{output}");
    assert!(
        output.contains(
            "\nread a customer\n    status: 500 in the first run, where 200 was expected"
        ),
        "{output}"
    );
    assert!(output.contains("The calls in the first run ended early"), "{output}");
    let customers: serde_json::Value =
        serde_json::from_str(&send(client.get(format!("{base}/v1/customers")))).unwrap();
    assert_eq!(customers["data"], serde_json::json!([]));
}

#[test]
fn only_test_keys_are_accepted_and_no_key_is_printed() {
    for key in [
        None,
        Some("sk_live_VerySecret1"),
        Some("pk_test_VerySecret1"),
        Some("sk_test_"),
        Some("sk_test_a b"),
    ] {
        // The port is closed, and no request is sent.
        let rejected = stripe_check(&["--sandbox", "http://127.0.0.1:1"], key);
        assert_eq!(rejected.status.code(), Some(2), "{key:?}");
        let output = [rejected.stdout, rejected.stderr].concat();
        assert!(!String::from_utf8_lossy(&output).contains("VerySecret1"));
    }
}
