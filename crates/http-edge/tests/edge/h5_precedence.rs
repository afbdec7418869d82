//! H5: the head and the declared size are checked first.

use crate::client::Answer;
use crate::server::Server;

async fn ask(server: &Server, request: String) -> Answer {
    server.client().await.ask(request).await
}

#[tokio::test]
async fn h5_declared_size_is_checked_before_route_credential_and_media_type() {
    let server = Server::start().await;
    for line in ["POST /api/v1/denied", "POST /api/v1/echo", "POST /nowhere", "PUT /livez"] {
        // The server responds although no byte of the body is sent.
        let answer =
            ask(&server, format!("{line} HTTP/1.1\r\nHost: h\r\nContent-Length: 16385\r\n\r\n"))
                .await;
        answer.is(413, "payload_too_large");
        assert!(answer.closes());
    }
    for length in ["18446744073709551615", "99999999999999999999999"] {
        let request =
            format!("POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
        ask(&server, request).await.is(413, "payload_too_large");
    }
}

#[tokio::test]
async fn e1_body_of_16_kib_is_accepted_declared_or_chunked() {
    let server = Server::start().await;
    let json = "Content-Type: application/json\r\n";
    let body = format!("{{\"name\":\"{}\"}}", "a".repeat(16 * 1024 - 11));
    assert_eq!(body.len(), 16 * 1024);
    let declared = format!(
        "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\n{json}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(&server, declared).await.status, 200);

    let chunked = |body: &str| {
        let head = format!(
            "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\n{json}Transfer-Encoding: chunked\r\n\r\n"
        );
        let chunks = body.as_bytes().chunks(1000).map(|chunk| {
            format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap())
        });
        format!("{head}{}0\r\n\r\n", chunks.collect::<String>())
    };
    assert_eq!(ask(&server, chunked(&body)).await.status, 200);
    ask(&server, chunked(&format!("{body} "))).await.is(413, "payload_too_large");
}

#[tokio::test]
async fn e1_route_may_have_a_larger_body_limit() {
    let server = Server::start().await;
    let body = format!("{{\"name\":\"{}\"}}", "a".repeat(900_000));
    let head = |length: usize| {
        format!(
            "POST /api/v1/large HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let answer = ask(&server, format!("{}{body}", head(body.len()))).await;
    assert_eq!((answer.status, answer.text()), (200, "Some(900000)"));
    ask(&server, head((1 << 20) + 1)).await.is(413, "payload_too_large");
}

#[tokio::test]
async fn h5_response_before_the_body_closes_the_connection() {
    let server = Server::start().await;
    let head = "POST /api/v1/denied HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";
    let mut early = server.client().await;
    let answer = early.ask(head).await;
    answer.is(401, "missing_credential");
    assert!(answer.closes());
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    early.closed().await;

    let mut late = server.client().await;
    let answer = late.ask(format!("{head}GET ")).await;
    answer.is(401, "missing_credential");
    assert!(!answer.closes());
    // The four bytes were the body, so this is the next request.
    assert_eq!(late.get("/livez").await.status, 200);
}

#[tokio::test]
async fn h5_100_continue_is_sent_only_when_the_body_is_read() {
    let server = Server::start().await;
    let head = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let mut client = server.client().await;
    assert_eq!(client.ask(head("/api/v1/echo", 2)).await.status, 100);
    assert_eq!(client.ask("{}").await.status, 200);
    server.client().await.ask(head("/api/v1/echo", 20_000)).await.is(413, "payload_too_large");
    server.client().await.ask(head("/api/v1/denied", 2)).await.is(401, "missing_credential");
}
