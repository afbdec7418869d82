//! H6: methods and exact paths.

use crate::server::Server;

#[tokio::test]
async fn h6_unknown_method_returns_405_with_allow() {
    let server = Server::start().await;
    for (line, allow) in [
        ("DELETE /api/v1/two", "GET,HEAD,POST"),
        ("OPTIONS /api/v1/two", "GET,HEAD,POST"),
        ("TRACE /api/v1/two", "GET,HEAD,POST"),
        ("BREW /api/v1/two", "GET,HEAD,POST"),
        ("GET /api/v1/echo", "POST"),
        ("POST /livez", "GET,HEAD"),
        ("get /livez", "GET,HEAD"),
    ] {
        let answer = server.client().await.ask(format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        answer.is(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{line}");
    }
}

#[tokio::test]
async fn h6_path_variants_return_404_and_never_redirect() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for path in [
        "/api/v1/two/",
        "//api/v1/two",
        "/api//v1/two",
        "/api/v1/./two",
        "/api/v1/x/../two",
        "/../api/v1/two",
        "/api/v1/tw%6F",
        "/api/v1%2Ftwo",
        "/%61pi/v1/two",
        "/API/v1/two",
        "/api/v1/Two",
        "/api/v1/two;x",
        "/api/v1/two%00",
        "/api/v1/two%20",
        "/api/v1/two.",
        "/api\\v1\\two",
        "/",
    ] {
        let answer = client.get(path).await;
        answer.is(404, "not_found");
        assert_eq!(answer.header("location"), None);
    }
    for path in
        ["/api/v1/two", "/api/v1/two?", "/api/v1/two?a=/../b", "http://other.example/api/v1/two"]
    {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn h6_targets_without_a_path_return_404() {
    let server = Server::start().await;
    for line in ["OPTIONS *", "CONNECT h:443", "CONNECT h"] {
        let answer = server.client().await.ask(format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        answer.is(404, "not_found");
    }
    for line in ["GET *", "GET livez", "GET ftp://h/livez", "CONNECT /livez", "GET /livez#x"] {
        let answer = server.client().await.ask(format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        answer.is(400, "invalid_request");
    }
}

#[tokio::test]
async fn h1_head_is_get_without_the_body() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.send("HEAD /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let answer = client.answer_to("HEAD").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("5")));
    client.send("HEAD /api/v1/echo HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let answer = client.answer_to("HEAD").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    // No body was sent, so the next response starts correctly.
    assert_eq!(client.get("/livez").await.text(), "alive");

    let mut refused = server.client().await;
    refused.send("HEAD /livez HTTP/1.1\r\n\r\n").await;
    assert_eq!(refused.answer_to("HEAD").await.status, 400);
    refused.closed().await;
}
