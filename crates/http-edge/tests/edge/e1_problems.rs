//! E1: problem responses.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn e1_problem_has_all_members_and_no_internals() {
    let server = Server::start().await;
    let request = "GET /nowhere?secret HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-1\r\n\r\n";
    let answer = server.client().await.ask(request).await;
    let expected = json!({
        "type": "https://billing.example/docs/errors/not_found",
        "title": "Title",
        "status": 404,
        "detail": "Check the path.",
        "code": "not_found",
        "requestId": "r-1",
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
}

#[tokio::test]
async fn e1_problem_may_have_additional_members() {
    let server = Server::start_with(|settings| settings.lame_duck = crate::client::TIMEOUT).await;
    server.drain.begin();
    let answer = server.client().await.get("/readyz").await;
    answer.is(503, "not_ready");
    assert_eq!(answer.json()["checks"], json!(["draining"]));
}

#[tokio::test]
async fn e1_panic_returns_500_without_its_cause() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for _ in 0..3 {
        let answer = client.get("/panic").await;
        answer.is(500, "internal_error");
        assert!(!answer.text().contains("secret cause"));
    }
    assert_eq!(client.get("/livez").await.status, 200);
}

#[tokio::test]
async fn e1_uri_over_8_kib_returns_414_and_headers_over_16_kib_or_64_return_431() {
    let server = Server::start().await;
    let uri =
        |length: usize| format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(length - 1));
    server.client().await.ask(uri(8192)).await.is(404, "not_found");
    server.client().await.ask(uri(8193)).await.is(414, "uri_too_long");
    let lines = |count: usize| {
        format!("GET /livez HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(count - 1))
    };
    assert_eq!(server.client().await.ask(lines(64)).await.status, 200);
    server.client().await.ask(lines(65)).await.is(431, "headers_too_large");
    server.client().await.ask(lines(5000)).await.is(431, "headers_too_large");
    let bytes = |length: usize| {
        format!("GET /livez HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "y".repeat(length))
    };
    assert_eq!(server.client().await.ask(bytes(16_000)).await.status, 200);
    server.client().await.ask(bytes(16_384)).await.is(431, "headers_too_large");
}

#[tokio::test]
async fn e1_endless_head_gets_a_readable_response() {
    let server = Server::start().await;
    for (head, status, code) in [
        (format!("GET /{}", "a".repeat(1_000_000)), 414, "uri_too_long"),
        (format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(1_000_000)), 431, "headers_too_large"),
    ] {
        let mut client = server.client().await;
        client.send(head).await;
        let answer = client.answer().await;
        answer.is(status, code);
        assert!(answer.closes());
        client.closed().await;
    }
}
