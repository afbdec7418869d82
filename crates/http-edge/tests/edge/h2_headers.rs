//! H2: request ids and common response headers.

use std::collections::HashSet;

use crate::server::Server;

const EVERY_KIND: [&str; 9] = [
    "GET /livez HTTP/1.1\r\nHost: h\r\n",
    "GET /nowhere HTTP/1.1\r\nHost: h\r\n",
    "DELETE /api/v1/two HTTP/1.1\r\nHost: h\r\n",
    "GET /panic HTTP/1.1\r\nHost: h\r\n",
    "POST /api/v1/denied HTTP/1.1\r\nHost: h\r\n",
    "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
    "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n",
    "GET /livez HTTP/1.1\r\nHost: h\r\nHost: h\r\n",
    "nonsense\r\n",
];

#[tokio::test]
async fn h2_every_response_has_an_id_and_nosniff_and_no_server_header() {
    let server = Server::start().await;
    let mut ids = HashSet::new();
    for request in EVERY_KIND {
        let answer = server.client().await.ask(format!("{request}\r\n")).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        // RFC 9562: the thirteenth digit is the version.
        assert_eq!((id.len(), &id[14..15]), (36, "7"), "{id}");
        assert!(ids.insert(id), "the id is not unique");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{request:?}");
        assert_eq!(answer.header("server"), None);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn h2_valid_client_request_id_is_returned() {
    let server = Server::start().await;
    let longest = "a".repeat(128);
    for id in ["x", "AZaz09._-", longest.as_str()] {
        for line in ["GET /id", "GET /nowhere", "GET /panic", "DELETE /id"] {
            let request = format!("{line} HTTP/1.1\r\nHost: h\r\nX-Request-Id: {id}\r\n\r\n");
            let answer = server.client().await.ask(request).await;
            assert_eq!(answer.header("x-request-id"), Some(id), "{line}");
        }
        let refused =
            format!("GET /id HTTP/1.1\r\nHost: h\r\nHost: h\r\nX-Request-Id: {id}\r\n\r\n");
        assert_eq!(server.client().await.ask(refused).await.header("x-request-id"), Some(id));
    }
}

#[tokio::test]
async fn h2_invalid_client_request_id_is_replaced() {
    let server = Server::start().await;
    let too_long = "a".repeat(129);
    for lines in [
        "X-Request-Id: ",
        "X-Request-Id: a b",
        "X-Request-Id: a/b",
        "X-Request-Id: é",
        "X-Request-Id: a,b",
        "X-Request-Id: a\r\nX-Request-Id: a",
        &format!("X-Request-Id: {too_long}"),
    ] {
        let answer = server
            .client()
            .await
            .ask(format!("GET /id HTTP/1.1\r\nHost: h\r\n{lines}\r\n\r\n"))
            .await;
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(id.len(), 36, "{lines:?} gave {id}");
        assert_eq!(answer.text(), id, "the handler saw another id");
    }
}

#[tokio::test]
async fn h2_api_responses_are_never_cacheable() {
    let server = Server::start().await;
    let mut client = server.client().await;
    assert_eq!(client.get("/api/v1/cached").await.header("cache-control"), Some("no-store"));
    assert_eq!(client.get("/docs").await.header("cache-control"), Some("max-age=60"));
    assert_eq!(client.get("/docs").await.header("server"), None);
    assert_eq!(client.get("/peer").await.text(), "127.0.0.1");
}
