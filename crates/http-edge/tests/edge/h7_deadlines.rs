//! H7 and B3: deadlines for heads, bodies, idle connections and writes.

use std::time::Duration;

use tokio::time::interval;

use crate::client::Client;
use crate::server::Server;

const SHORT: Duration = Duration::from_millis(200);

/// Sends single bytes until a response arrives.
async fn trickle(mut client: Client, start: &str, byte: u8) -> Client {
    client.send(start).await;
    let mut ticks = interval(Duration::from_millis(20));
    for _ in 0..1_000 {
        ticks.tick().await;
        if client.has_answer() {
            return client;
        }
        if !client.try_send([byte]).await {
            return client;
        }
    }
    panic!("no response arrived");
}

#[tokio::test]
async fn h7_slow_headers_return_408_even_if_bytes_trickle_in() {
    let server = Server::start_with(|settings| settings.header_timeout = SHORT).await;
    for start in ["G", "GET /livez HTTP/1.1\r\nHost: h\r\nX: "] {
        let mut silent = server.client().await;
        silent.send(start).await;
        let answer = silent.answer().await;
        answer.is(408, "request_timeout");
        assert!(answer.closes());
        silent.closed().await;
        trickle(server.client().await, start, b'a').await.answer().await.is(408, "request_timeout");
    }
}

#[tokio::test]
async fn h7_slow_headers_of_a_later_request_return_408() {
    let server = Server::start_with(|settings| settings.header_timeout = SHORT).await;
    let mut client = server.client().await;
    assert_eq!(client.get("/livez").await.status, 200);
    client.send("GET /livez HTTP/1.1\r\n").await;
    client.answer().await.is(408, "request_timeout");
    client.closed().await;
}

#[tokio::test]
async fn h7_slow_body_returns_408_even_if_bytes_trickle_in() {
    let server = Server::start_with(|settings| settings.body_timeout = SHORT).await;
    let head = "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
    for start in [
        format!("{head}Content-Length: 10000\r\n\r\n"),
        format!("{head}Content-Length: 10000\r\n\r\n{{"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n1388\r\n{{"),
    ] {
        let mut silent = server.client().await;
        silent.send(&start).await;
        let answer = silent.answer().await;
        answer.is(408, "request_timeout");
        assert!(answer.closes());
        silent.closed().await;
    }
    let start = format!("{head}Content-Length: 10000\r\n\r\n{{");
    trickle(server.client().await, &start, b' ').await.answer().await.is(408, "request_timeout");
}

#[tokio::test]
async fn h7_deadlines_pause_while_a_handler_runs_or_the_client_is_idle() {
    let server = Server::start_with(|settings| {
        settings.header_timeout = SHORT;
        settings.body_timeout = SHORT;
    })
    .await;
    let (mut fresh, mut used, mut waiting) =
        (server.client().await, server.client().await, server.client().await);
    assert_eq!(used.get("/livez").await.status, 200);
    waiting.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    server.gate.entered(1).await;
    // Two deadlines pass, one after the other.
    for _ in 0..2 {
        let mut slow = server.client().await;
        slow.send("GET").await;
        slow.answer().await.is(408, "request_timeout");
    }
    assert_eq!(fresh.get("/livez").await.status, 200);
    assert_eq!(used.get("/livez").await.status, 200);
    server.gate.open();
    assert_eq!(waiting.answer().await.text(), "held");
    assert_eq!(waiting.get("/livez").await.status, 200);
}

#[tokio::test]
async fn b3_idle_connections_are_closed_despite_empty_lines() {
    let server = Server::start_with(|settings| settings.idle_timeout = SHORT).await;
    let (fresh, mut used) = (server.client().await, server.client().await);
    assert_eq!(used.get("/livez").await.status, 200);
    fresh.closed().await;
    used.closed().await;
    let blank = trickle(server.client().await, "\r\n", b'\n').await;
    blank.closed().await;
}

#[tokio::test]
async fn b3_running_request_does_not_count_as_idle() {
    let server = Server::start_with(|settings| settings.idle_timeout = SHORT).await;
    let mut client = server.client().await;
    client.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    server.gate.entered(1).await;
    server.client().await.closed().await;
    server.client().await.closed().await;
    server.gate.open();
    assert_eq!(client.answer().await.text(), "held");
    client.closed().await;
}

#[tokio::test]
async fn h7_client_that_reads_nothing_is_disconnected() {
    let server = Server::start_with(|settings| {
        settings.write_timeout = SHORT;
        settings.linger = SHORT;
        settings.grace = Duration::from_secs(600);
    })
    .await;
    let mut client = server.client().await;
    client.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.readable().await;
    // Without the deadline the unread response would delay the drain by the whole grace period.
    server.drain.begin();
    server.ended().await;
    drop(client);
}

#[tokio::test]
async fn h7_refused_body_is_discarded_until_the_client_reads_the_response() {
    let server = Server::start().await;
    let megabytes = vec![b'x'; 8 * 1024 * 1024];
    let mut client = server.client().await;
    client
        .send(format!(
            "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n",
            megabytes.len()
        ))
        .await;
    client.send(&megabytes).await;
    let answer = client.answer().await;
    answer.is(413, "payload_too_large");
    client.closed().await;

    let mut client = server.client().await;
    client.send("POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n").await;
    client.send(&megabytes).await;
    client.answer().await.is(400, "invalid_request");
}

#[tokio::test]
async fn b3_at_least_4096_connections_stay_open() {
    let limit = http_edge::raise_file_limit().unwrap();
    // Both ends of every connection are in this process.
    let wanted = usize::try_from(limit.saturating_sub(1_000) / 2).unwrap_or(usize::MAX).min(4_096);
    let server = Server::start().await;
    let mut clients = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        clients.push(server.client().await);
    }
    for client in &mut clients {
        assert_eq!(client.get("/livez").await.status, 200);
    }
    assert_eq!(server.client().await.get("/livez").await.status, 200);
}

#[tokio::test]
async fn b3_connections_beyond_the_limit_wait() {
    let server = Server::start_with(|settings| settings.max_connections = 2).await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    assert_eq!(one.get("/livez").await.status, 200);
    assert_eq!(two.get("/livez").await.status, 200);
    let mut third = server.client().await;
    third.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(one.get("/livez").await.status, 200);
    assert!(!third.has_answer());
    drop(two);
    assert_eq!(third.answer().await.status, 200);
}
