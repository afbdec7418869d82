//! B3: the graceful shutdown.

use std::time::Duration;

use http_edge::Drain;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::client::TIMEOUT;
use crate::server::Server;

/// Longer than any test. A test that waits for it fails.
const FOREVER: Duration = Duration::from_secs(600);

/// Waits until the listener is closed.
async fn refuses_connections(server: &Server) {
    let mut ticks = interval(Duration::from_millis(10));
    let gone = async {
        while TcpStream::connect(server.address).await.is_ok() {
            ticks.tick().await;
        }
    };
    timeout(TIMEOUT, gone).await.unwrap();
}

#[tokio::test]
async fn b3_lame_duck_answers_new_connections_and_closes_them() {
    let server = Server::start_with(|settings| settings.lame_duck = FOREVER).await;
    let (mut idle, mut running) = (server.client().await, server.client().await);
    assert!(!idle.get("/readyz").await.closes());
    running.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    server.gate.entered(1).await;
    server.drain.begin();

    let mut fresh = server.client().await;
    let answer = fresh.get("/readyz").await;
    answer.is(503, "not_ready");
    assert!(answer.closes());
    fresh.closed().await;
    let answer = idle.get("/livez").await;
    assert_eq!((answer.status, answer.closes()), (200, true));
    idle.closed().await;
    let refused = server.client().await.ask("BAD\r\n\r\n").await;
    assert_eq!((refused.status, refused.closes()), (400, true));
    // The response to a request from before the drain closes the connection, too.
    server.gate.open();
    let answer = running.answer().await;
    assert_eq!((answer.text(), answer.closes()), ("held", true));
    running.closed().await;
}

#[tokio::test]
async fn b3_running_requests_finish_and_idle_connections_close_last() {
    let server = Server::start_with(|settings| {
        settings.grace = FOREVER;
        settings.header_timeout = Duration::from_millis(500);
    })
    .await;
    let (mut running, mut idle, mut busy) =
        (server.client().await, server.client().await, server.client().await);
    let mut slow = server.client().await;
    assert_eq!(slow.get("/livez").await.status, 200);
    assert_eq!(idle.get("/livez").await.status, 200);
    assert_eq!(busy.get("/livez").await.status, 200);
    running.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    server.gate.entered(1).await;
    server.drain.begin();
    refuses_connections(&server).await;

    // Idle connections are still open: one serves another request.
    let answer = busy.get("/livez").await;
    assert_eq!((answer.status, answer.closes()), (200, true));
    busy.closed().await;
    // They stay open beyond the grace times while a request runs.
    slow.send("GET").await;
    slow.answer().await.is(408, "request_timeout");
    assert!(idle.is_open());
    server.gate.open();
    let answer = running.answer().await;
    assert_eq!((answer.text(), answer.closes()), ("held", true));
    running.closed().await;
    idle.closed().await;
    server.ended().await;
}

#[tokio::test]
async fn b3_half_sent_requests_do_not_delay_the_drain() {
    let server = Server::start_with(|settings| {
        settings.header_timeout = FOREVER;
        settings.body_timeout = FOREVER;
        settings.idle_timeout = FOREVER;
        settings.linger = FOREVER;
        settings.grace = FOREVER;
    })
    .await;
    let (mut head, mut body, mut chunks) =
        (server.client().await, server.client().await, server.client().await);
    let silent = server.client().await;
    head.send("GET /livez HTTP/1.1\r\nHost").await;
    let post = "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
    body.send(format!("{post}Content-Length: 50\r\n\r\n{{\"name\":")).await;
    chunks.send(format!("{post}Transfer-Encoding: chunked\r\n\r\n5\r\n{{")).await;
    // All earlier connections are accepted once this one gets a response.
    assert_eq!(server.client().await.get("/livez").await.status, 200);
    server.drain.begin();
    for mut client in [head, body, chunks] {
        let answer = client.answer().await;
        answer.is(408, "request_timeout");
        assert!(answer.closes());
    }
    silent.closed().await;
    server.ended().await;
}

#[tokio::test]
async fn b3_lingering_connection_does_not_delay_the_drain() {
    let server = Server::start_with(|settings| {
        settings.linger = FOREVER;
        settings.grace = FOREVER;
    })
    .await;
    let mut client = server.client().await;
    client
        .ask("POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n")
        .await
        .is(413, "payload_too_large");
    server.drain.begin();
    server.ended().await;
    client.closed().await;
}

#[tokio::test]
async fn b3_grace_period_bounds_the_drain() {
    let server = Server::start_with(|settings| settings.grace = Duration::from_millis(200)).await;
    let mut client = server.client().await;
    client.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    server.gate.entered(1).await;
    server.drain.begin();
    server.ended().await;
    client.closed().await;
}

#[tokio::test]
async fn b3_listeners_that_share_a_drain_end_together() {
    let drain = Drain::new();
    let public = Server::start_on(drain.clone(), |settings| settings.grace = FOREVER).await;
    let admin = Server::start_on(drain.clone(), |settings| settings.grace = FOREVER).await;
    let (mut running, mut probe) = (public.client().await, admin.client().await);
    assert_eq!(probe.get("/readyz").await.status, 200);
    running.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    public.gate.entered(1).await;
    drain.begin();
    timeout(TIMEOUT, drain.wait()).await.unwrap();
    refuses_connections(&admin).await;
    // Connections of the admin listener stay open while the public listener has running requests.
    probe.get("/readyz").await.is(503, "not_ready");
    public.gate.open();
    assert_eq!(running.answer().await.text(), "held");
    public.ended().await;
    admin.ended().await;
}

#[tokio::test]
async fn b3_connections_in_the_backlog_are_served() {
    let drain = Drain::new();
    drain.begin();
    let (server, mut clients) = Server::start_late(drain, 20).await;
    for client in &mut clients {
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.closes()), (200, true));
    }
    server.ended().await;
}

#[tokio::test]
async fn b3_idle_service_stops_immediately() {
    let server = Server::start_with(|settings| settings.grace = FOREVER).await;
    server.drain.begin();
    assert!(server.drain.is_draining());
    server.ended().await;
}
