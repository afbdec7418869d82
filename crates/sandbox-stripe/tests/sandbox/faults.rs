//! Fault injection: faults occur exactly as requested.

#![expect(clippy::expect_used, reason = "a failure of a test tool fails the test")]

use std::time::{Duration, Instant};

use crate::support::{KEY, Reply, Running, TIMEOUT, bearer, refused, start};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SESSIONS: &str = "/v1/billing_portal/sessions";

/// Returns the bytes received until the connection ends, even if it ends abnormally.
async fn bytes_of(sandbox: &Running, headers: &str, form: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(sandbox.address).await.expect("connected");
        let head = format!(
            "POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {}\r\n{headers}\r\n",
            form.len()
        );
        stream.write_all(format!("{head}{form}").as_bytes()).await.expect("sent");
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8(bytes).expect("text")
    };
    tokio::time::timeout(TIMEOUT, exchange).await.expect("ended in time")
}

async fn faulty(sandbox: &Running, fault: &str, form: &str) -> Reply {
    sandbox.post_with("/v1/customers", form, &[("Sandbox-Fault", fault)]).await
}

async fn customers(sandbox: &Running) -> usize {
    sandbox.get("/v1/customers").await.json()["data"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_delay_precedes_the_real_response() {
    let sandbox = start().await;
    let started = Instant::now();
    let reply = faulty(&sandbox, "delay=300", "name=Late").await;
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!((reply.status, &reply.json()["name"]), (200, &json!("Late")));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_key_is_in_use_during_its_calls_delay_and_other_calls_proceed() {
    let sandbox = start().await;
    // On a busy machine the second call can miss the delay. Try longer delays.
    for delay in [500, 5_000, 20_000] {
        sandbox.post("/sandbox/faults", &format!("fault=delay%3D{delay}&times=1")).await;
        let name = delay.to_string();
        let key = [("Idempotency-Key", name.as_str())];
        let create = async || sandbox.post_with("/v1/customers", "name=Slow", &key).await;
        let (first, (second, other)) = tokio::join!(create(), async {
            while sandbox.get("/sandbox/faults").await.json() != json!({ "data": [] }) {}
            let second = create().await;
            (second, sandbox.post_with("/v1/customers", "name=Else", &key).await)
        });
        if second.status == 200 {
            continue;
        }
        assert_eq!(second.error(), refused(409, "idempotency_key_in_use", ""));
        assert_eq!(second.json()["error"]["type"], "invalid_request_error");
        assert_eq!(
            (other.error(), &other.json()["error"]["type"]),
            (refused(400, "", ""), &json!("idempotency_error"))
        );
        assert_eq!((first.status, first.header("idempotent-replayed")), (200, None));
        let last = create().await;
        assert_eq!((last.status, last.header("idempotent-replayed")), (200, Some("true")));
        assert_eq!(last.body, first.body);
        return sandbox.stop().await;
    }
    unreachable!("a call under the key of a delayed one was never refused");
}

#[tokio::test]
async fn a_rate_limit_changes_nothing_and_leaves_the_idempotency_key_unused() {
    let sandbox = start().await;
    let before = customers(&sandbox).await;
    for (fault, code, reason) in [
        ("status=429", "rate_limit", Some("global-rate")),
        ("status=429:lock_timeout", "lock_timeout", None),
    ] {
        let headers = [("Sandbox-Fault", fault), ("Idempotency-Key", code)];
        let reply = sandbox.post_with("/v1/customers", "name=A", &headers).await;
        assert_eq!(reply.error(), refused(429, code, ""));
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
        assert_eq!(reply.header("stripe-rate-limited-reason"), reason);
        assert!(reply.header("request-id").is_some_and(|id| id.starts_with("req_")));
    }
    assert_eq!(customers(&sandbox).await, before);
    let again =
        sandbox.post_with("/v1/customers", "name=A", &[("Idempotency-Key", "rate_limit")]).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, None));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_failure_changes_nothing_and_is_replayed_for_its_key() {
    let sandbox = start().await;
    let before = customers(&sandbox).await;
    let headers = [("Sandbox-Fault", "status=500"), ("Idempotency-Key", "once")];
    let first = sandbox.post_with("/v1/customers", "name=A", &headers).await;
    assert_eq!(first.error(), refused(500, "", ""));
    assert_eq!(first.json()["error"]["type"], "api_error");
    let again = sandbox.post_with("/v1/customers", "name=A", &headers[1..]).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (500, Some("true")));
    assert_eq!(again.body, first.body);
    assert_eq!(customers(&sandbox).await, before);
    assert_eq!(
        sandbox
            .send("GET", "/v1/customers", &[("Authorization", &bearer(KEY)), headers[0]], "")
            .await
            .status,
        500
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn drop_does_not_run_the_call_and_drop_after_does() {
    let sandbox = start().await;
    let before = customers(&sandbox).await;
    assert_eq!(bytes_of(&sandbox, "Sandbox-Fault: drop\r\n", "name=A").await, "");
    assert_eq!(
        bytes_of(&sandbox, "Sandbox-Fault: delay=1, status=429, drop\r\n", "name=A").await,
        ""
    );
    assert_eq!(customers(&sandbox).await, before);
    let kept = "Sandbox-Fault: drop=after\r\nIdempotency-Key: kept\r\n";
    assert_eq!(bytes_of(&sandbox, kept, "name=A").await, "");
    assert_eq!(customers(&sandbox).await, before + 1);
    let again = sandbox.post_with("/v1/customers", "name=A", &[("Idempotency-Key", "kept")]).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_truncated_response_ends_before_its_content_length() {
    let sandbox = start().await;
    let before = customers(&sandbox).await;
    for (fault, status) in
        [("truncate", "200 OK"), ("status=500,truncate", "500 Internal Server Error")]
    {
        let text = bytes_of(&sandbox, &format!("Sandbox-Fault: {fault}\r\n"), "name=Cut").await;
        let (head, body) = text.split_once("\r\n\r\n").expect("head and part of the body");
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
        let promised =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("length");
        assert_eq!(promised.parse::<usize>().expect("number") / 2, body.len());
        assert!(body.starts_with('{') && serde_json::from_str::<serde_json::Value>(body).is_err());
    }
    assert_eq!(customers(&sandbox).await, before + 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn rules_apply_to_the_next_calls_of_their_operation() {
    let sandbox = start().await;
    let me = sandbox.demo.customer.clone();
    let rule = format!("fault=status%3D429&method=POST&path={SESSIONS}&times=2");
    let made = sandbox.post("/sandbox/faults", &rule).await.json();
    let expected =
        json!({ "id": 1, "fault": "status=429", "method": "POST", "path": SESSIONS, "times": 2 });
    assert_eq!(made, expected);
    let second = sandbox
        .post("/sandbox/faults", "fault=status%3D500&path=/v1/customers/{customer}")
        .await
        .json();
    assert_eq!(sandbox.get("/sandbox/faults").await.json(), json!({ "data": [expected, second] }));

    let open = async || sandbox.post(SESSIONS, &format!("customer={me}")).await.status;
    assert_eq!(sandbox.get("/v1/customers").await.status, 200);
    assert_eq!([open().await, open().await, open().await], [429, 429, 200]);
    let read = async || sandbox.get(&format!("/v1/customers/{me}")).await.status;
    assert_eq!([read().await, read().await], [500, 200]);
    assert_eq!(sandbox.get("/sandbox/faults").await.json(), json!({ "data": [] }));

    sandbox.post("/sandbox/faults", &format!("fault=drop&path=/v1/customers/{me}&times=9")).await;
    assert_eq!(sandbox.delete("/sandbox/faults").await.json(), json!({ "forgotten": 1 }));
    assert_eq!(read().await, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_header_takes_precedence_and_uses_no_rule() {
    let sandbox = start().await;
    sandbox.post("/sandbox/faults", "fault=status%3D500").await;
    assert_eq!(faulty(&sandbox, "status=429", "").await.status, 429);
    assert_eq!(faulty(&sandbox, "delay=0", "").await.status, 200);
    assert_eq!(sandbox.post("/v1/customers", "").await.status, 500);
    sandbox.stop().await;
}

#[tokio::test]
async fn faults_require_a_key_and_have_bounds() {
    let sandbox = start().await;
    for (method, path) in
        [("GET", "/sandbox/faults"), ("POST", "/sandbox/faults"), ("DELETE", "/sandbox/faults")]
    {
        let reply = sandbox.send(method, path, &[], "").await;
        assert_eq!(reply.error(), refused(401, "", ""), "{method}");
    }
    sandbox.post("/sandbox/faults", "fault=drop&times=5").await;
    let unknown = sandbox.send("GET", "/v1/customers", &[("Sandbox-Fault", "drop")], "").await;
    assert_eq!(unknown.status, 401);
    sandbox.delete("/sandbox/faults").await;

    assert_eq!(faulty(&sandbox, "sometimes", "").await.error(), refused(400, "", ""));
    for (form, code, param) in [
        ("", "parameter_missing", "fault"),
        ("fault=delay%3D60001", "", "fault"),
        ("fault=drop&path=/v1/nothing", "", "path"),
        ("fault=drop&times=0", "", "times"),
        ("fault=drop&often=1", "parameter_unknown", "often"),
    ] {
        assert_eq!(
            sandbox.post("/sandbox/faults", form).await.error(),
            refused(400, code, param),
            "{form}"
        );
    }
    for _ in 0..100 {
        assert_eq!(sandbox.post("/sandbox/faults", "fault=drop&path=/v1/prices").await.status, 200);
    }
    assert_eq!(sandbox.post("/sandbox/faults", "fault=drop").await.status, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_long_delay_does_not_block_shutdown() {
    let sandbox = start().await;
    let mut stream = TcpStream::connect(sandbox.address).await.expect("connected");
    sandbox.post("/sandbox/faults", "fault=delay%3D60000").await;
    let request =
        format!("GET /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let begun =
        async { while sandbox.get("/sandbox/faults").await.json() != json!({ "data": [] }) {} };
    tokio::time::timeout(TIMEOUT, begun).await.expect("begun in time");
    sandbox.stop().await;
}
