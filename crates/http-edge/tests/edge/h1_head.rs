//! H1: `HEAD` returns the headers of `GET`.

use std::collections::BTreeMap;

use crate::client::Answer;
use crate::server::Server;

/// Returns the headers that are the same in every response.
fn stable(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let mut headers = answer.headers.clone();
    headers.retain(|name, _| name != "x-request-id" && name != "date");
    headers
}

#[tokio::test]
async fn h1_head_has_the_status_and_headers_of_get_and_no_body() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for (path, status) in [
        ("/api/v1/two", 200),
        ("/docs", 200),
        ("/big", 200),
        ("/api/v1/nowhere", 404),
        ("/panic", 500),
    ] {
        let get = client.get(path).await;
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        // The client would read a body as the head of the next response.
        let head = client.answer_to("HEAD").await;
        assert_eq!((get.status, head.status), (status, status), "{path}");
        assert_eq!(stable(&head), stable(&get), "{path}");
        assert_eq!(head.header("content-length"), Some(&*get.body.len().to_string()), "{path}");
    }
    client.send("HEAD /api/v1/echo HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let refused = client.answer_to("HEAD").await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")));
    assert_eq!(client.get("/docs").await.status, 200);
}
