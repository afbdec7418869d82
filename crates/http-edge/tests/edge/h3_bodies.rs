//! H3: the strict JSON body.

use crate::client::Answer;
use crate::server::Server;

async fn post(server: &Server, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let head = format!(
        "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    server.client().await.ask([head.as_bytes(), body].concat()).await
}

async fn post_json(server: &Server, body: impl AsRef<[u8]>) -> Answer {
    post(server, "Content-Type: application/json\r\n", body).await
}

#[tokio::test]
async fn h3_missing_and_empty_bodies_mean_an_empty_object() {
    let server = Server::start().await;
    let none = server.client().await.ask("POST /api/v1/echo HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let chunked =
        "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let no_chunks = server.client().await.ask(chunked).await;
    // Without a body the media type is not checked.
    let empty = post(&server, "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "").await;
    for answer in
        [none, no_chunks, empty, post_json(&server, "{}").await, post_json(&server, " {\n} ").await]
    {
        assert_eq!((answer.status, answer.text()), (200, "None"));
    }
}

#[tokio::test]
async fn h3_one_json_object_is_accepted() {
    let server = Server::start().await;
    let answer = post_json(&server, r#"{"name":"\u00e9 ü","inner":{"inner":null}}"#).await;
    assert_eq!((answer.status, answer.text()), (200, "Some(\"é ü\") in None"));
    let chunked = "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json;charset=UTF-8\r\n\
                   Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n{\"nam\r\n7\r\ne\":\"a\"}\r\n0\r\nTrailer: t\r\n\r\n";
    let answer = server.client().await.ask(chunked).await;
    assert_eq!((answer.status, answer.text()), (200, "Some(\"a\")"));
}

#[tokio::test]
async fn h3_body_other_than_one_object_is_refused() {
    let server = Server::start().await;
    for body in [
        "[]",
        "null",
        "\"a\"",
        "1",
        "{}{}",
        "{} x",
        "{",
        " ",
        "{\"name\":}",
        "{\"name\":NaN}",
        "{\"name\":\"\\ud800\"}",
    ] {
        post_json(&server, body).await.is(400, "invalid_request");
    }
    post_json(&server, b"{\"name\":\"\xff\"}").await.is(400, "invalid_request");
    post_json(&server, b"{\"name\":[\"a\"]}").await.is(400, "invalid_request");
    post_json(&server, b"{\"inner\":[\"a\"]}").await.is(400, "invalid_request");
}

#[tokio::test]
async fn h3_media_type_is_application_json_with_any_parameters() {
    let server = Server::start().await;
    for value in [
        "application/json; charset=utf-8",
        "APPLICATION/JSON;v=1",
        "application/json;charset=\"utf-8\"",
    ] {
        assert_eq!(
            post(&server, &format!("Content-Type: {value}\r\n"), "{}").await.status,
            200,
            "{value}"
        );
    }
    for headers in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/json, text/plain\r\n",
        "Content-Type: application/json; charset=utf-16\r\n",
        "Content-Type: application/json\r\nContent-Type: application/json\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        "Content-Type: application/json\r\nContent-Encoding: identity, br\r\n",
    ] {
        post(&server, headers, "{}").await.is(415, "unsupported_media_type");
    }
    let identity = "Content-Type: application/json\r\nContent-Encoding: identity\r\n";
    assert_eq!(post(&server, identity, "{}").await.status, 200);
}

#[tokio::test]
async fn h3_media_type_is_checked_before_the_body_arrives() {
    let server = Server::start().await;
    let head = "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\n";
    server.client().await.ask(head).await.is(415, "unsupported_media_type");
    let first_chunk =
        "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
    server.client().await.ask(first_chunk).await.is(415, "unsupported_media_type");
}

#[tokio::test]
async fn h3_byte_order_mark_is_refused() {
    let server = Server::start().await;
    post_json(&server, b"\xef\xbb\xbf{}").await.is(400, "invalid_request");
    post_json(&server, b"\xff\xfe{\0}\0").await.is(400, "invalid_request");
}

#[tokio::test]
async fn h3_duplicate_name_is_refused() {
    let server = Server::start().await;
    for body in [
        r#"{"name":"a","name":"a"}"#,
        r#"{"name":"a","\u006eame":"b"}"#,
        r#"{"inner":{"name":"a","name":"b"}}"#,
    ] {
        let answer = post_json(&server, body).await;
        answer.is(400, "invalid_request");
        assert!(answer.json()["detail"].as_str().unwrap().contains("name"), "{}", answer.text());
    }
}

#[tokio::test]
async fn h3_nesting_beyond_16_levels_is_refused() {
    let server = Server::start().await;
    let nested =
        |levels: usize| format!("{}null{}", "{\"inner\":".repeat(levels), "}".repeat(levels));
    assert_eq!(post_json(&server, nested(16)).await.status, 200);
    post_json(&server, nested(17)).await.is(400, "invalid_request");
    post_json(&server, nested(1500)).await.is(400, "invalid_request");
}

#[tokio::test]
async fn h3_unknown_field_is_named() {
    let server = Server::start().await;
    let answer = post_json(&server, r#"{"inner":{"Name":"a"}}"#).await;
    answer.is(400, "invalid_request");
    assert!(
        answer.json()["detail"].as_str().unwrap().contains("\"inner.Name\""),
        "{}",
        answer.text()
    );
    let long = post_json(&server, format!("{{\"\\u0000{}\":1}}", "x".repeat(9000))).await;
    long.is(400, "invalid_request");
    assert!(long.json()["detail"].as_str().unwrap().len() < 200);
}

#[tokio::test]
async fn h3_wrong_type_is_named() {
    let server = Server::start().await;
    let answer = post_json(&server, r#"{"inner":{"name":7}}"#).await;
    answer.is(400, "invalid_request");
    assert_eq!(answer.json()["detail"], "The field \"inner.name\" must be a string.");
}
