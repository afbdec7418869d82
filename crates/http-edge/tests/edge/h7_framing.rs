//! H7: ambiguous heads and framing.

use std::time::Duration;

use crate::client::Client;
use crate::server::Server;

/// A request that an attacker tries to smuggle.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

async fn is_refused(server: &Server, head: &str) {
    let mut client = server.client().await;
    client.send(head).await;
    let answer = client.answer().await;
    answer.is(400, "invalid_request");
    assert!(answer.closes(), "{head:?}");
    client.closed().await;
}

fn with(lines: &str) -> String {
    format!(
        "POST /api/v1/echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{lines}\r\n\r\n"
    )
}

#[tokio::test]
async fn h7_two_content_lengths_are_refused() {
    let server = Server::start().await;
    for lines in [
        "Content-Length: 2\r\nContent-Length: 2",
        "Content-Length: 2\r\nContent-Length: 40",
        "Content-Length: 2, 2",
        "Content-Length: 2,",
        "content-length: 2\r\nX: y\r\nCONTENT-LENGTH: 2",
    ] {
        is_refused(&server, &format!("{}{{}}{SMUGGLED}", with(lines))).await;
    }
}

#[tokio::test]
async fn h7_content_length_with_transfer_encoding_is_refused() {
    let server = Server::start().await;
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: identity\r\nContent-Length: 4",
    ] {
        is_refused(&server, &format!("{}0\r\n\r\n{SMUGGLED}", with(lines))).await;
    }
}

#[tokio::test]
async fn h7_other_transfer_encodings_are_refused() {
    let server = Server::start().await;
    for lines in [
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: \"chunked\"",
    ] {
        is_refused(&server, &format!("{}0\r\n\r\n{SMUGGLED}", with(lines))).await;
    }
    let old = "POST /api/v1/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n";
    is_refused(&server, old).await;
}

#[tokio::test]
async fn h7_missing_or_repeated_host_is_refused() {
    let server = Server::start().await;
    for hosts in
        ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: u@a\r\n"]
    {
        is_refused(&server, &format!("GET /livez HTTP/1.1\r\n{hosts}\r\n{SMUGGLED}")).await;
    }
    let old = server.client().await.ask("GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!((old.status, old.text(), old.version.as_str()), (200, "alive", "HTTP/1.0"));
}

#[tokio::test]
async fn h7_folded_headers_are_refused() {
    let server = Server::start().await;
    for lines in [
        "X: a\r\n b",
        "X: a\r\n\tContent-Length: 9",
        " X: a",
        "X : a",
        "X\t: a",
        "X: a\rb",
        ": a",
        "X",
    ] {
        is_refused(&server, &format!("{}{SMUGGLED}", with(lines))).await;
    }
}

#[tokio::test]
async fn h7_other_versions_are_refused() {
    let server = Server::start().await;
    for head in [
        "GET /livez HTTP/2.0\r\nHost: h\r\n\r\n",
        "GET /livez HTTP/1.2\r\nHost: h\r\n\r\n",
        "GET /livez HTTP/0.9\r\nHost: h\r\n\r\n",
        "GET /livez\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}",
        "GET  /livez HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        is_refused(&server, head).await;
    }
}

#[tokio::test]
async fn h7_chunked_request_closes_the_connection() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client
        .send(format!("{}2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}", with("Transfer-Encoding: chunked")))
        .await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.closes()), (200, true));
    client.closed().await;
    for chunks in ["x\r\n", "2\r\n{}}\r\n0\r\n\r\n", "-1\r\n", "ffffffffffffffffff\r\n"] {
        let answer = server
            .client()
            .await
            .ask(format!("{}{chunks}", with("Transfer-Encoding: chunked")))
            .await;
        answer.is(400, "invalid_request");
    }
}

#[tokio::test]
async fn h7_pipelined_requests_are_answered_in_sequence() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let smuggled = SMUGGLED.len();
    let requests = format!(
        "\r\n\nGET /livez HTTP/1.1\r\nHost: h\r\nX-Request-Id: 1\r\n\r\n\
         POST /api/v1/denied HTTP/1.1\r\nHost: h\r\nX-Request-Id: 2\r\nContent-Length: {smuggled}\r\n\r\n{SMUGGLED}\
         \r\nGET /id HTTP/1.1\nHost: h\nX-Request-Id: 3\n\n\
         GET /livez HTTP/1.1\r\nHost: h\r\nX-Request-Id: 4\r\nConnection: close\r\n\r\n{SMUGGLED}"
    );
    client.send(requests).await;
    for (id, status) in [("1", 200), ("2", 401), ("3", 200), ("4", 200)] {
        let answer = client.answer().await;
        assert_eq!((answer.header("x-request-id"), answer.status), (Some(id), status));
    }
    client.closed().await;
}

#[tokio::test]
async fn h7_a_request_may_be_split_at_any_byte() {
    let server = Server::start().await;
    let request = format!("\r\n{}{{\"name\":\"a\"}}", with("Content-Length: 12"));
    let next = "GET /livez HTTP/1.1\nHost: h\n\n";
    let both = format!("{request}{next}");
    for at in 1..both.len() {
        let mut client = server.client().await;
        client.send(&both[..at]).await;
        tokio::task::yield_now().await;
        client.send(&both[at..]).await;
        assert_eq!(client.answer().await.text(), "Some(\"a\")", "split at {at}");
        assert_eq!(client.answer().await.text(), "alive", "split at {at}");
    }
    let mut client = server.client().await;
    for byte in both.as_bytes() {
        client.send([*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.text(), "Some(\"a\")");
    assert_eq!(client.answer().await.text(), "alive");
}

#[tokio::test]
async fn h7_half_closed_client_still_gets_its_response() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.shut_down_write_side().await;
    server.gate.entered(1).await;
    server.gate.open();
    assert_eq!(client.answer().await.text(), "held");
    client.closed().await;
}

#[tokio::test]
async fn h7_upgrade_header_is_ignored() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let upgrade = "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    for _ in 0..2 {
        let answer = client.ask(upgrade).await;
        assert_eq!((answer.status, answer.closes()), (200, false));
    }
}

#[tokio::test]
async fn h7_bytes_after_a_refused_head_are_not_a_request() {
    let server = Server::start().await;
    let mut client: Client = server.client().await;
    client.send(format!("GET /livez HTTP/1.1\r\nHost: h\r\n\r\nBAD\r\n\r\n{SMUGGLED}")).await;
    assert_eq!(client.answer().await.status, 200);
    client.answer().await.is(400, "invalid_request");
    client.closed().await;
}

/// A pseudo-random generator with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[tokio::test]
async fn e1_random_bytes_get_only_responses_of_the_edge() {
    const PIECES: [&str; 24] = [
        "\r\n",
        "\n",
        "\r",
        " ",
        "\t",
        ":",
        "\0",
        "é",
        "#",
        "*",
        "%",
        "GET ",
        "HTTP/1.1",
        "HTTP/1.0",
        "Host: h\r\n",
        "Content-Length: 2\r\n",
        "Content-Length: 00\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        "Upgrade: x\r\n",
        "Expect: 100-continue\r\n",
        "http://",
        "CONNECT h:1",
        "{}",
    ];
    let server = Server::start_with(|settings| {
        settings.header_timeout = Duration::from_millis(50);
        settings.body_timeout = Duration::from_millis(50);
        settings.idle_timeout = Duration::from_millis(50);
    })
    .await;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut answers = 0;
    for _ in 0..1_500 {
        let valid = "POST /api/v1/echo?a HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n";
        let mut bytes = valid.as_bytes().to_vec();
        for _ in 0..=random.below(3) {
            let (at, piece) = (random.below(bytes.len()), PIECES[random.below(PIECES.len())]);
            let end = (at + random.below(3)).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        let mut client = server.client().await;
        client.send(&bytes).await;
        client.shut_down_write_side().await;
        for answer in client.all_answers().await {
            answers += 1;
            let is_known = answer.status == 100 || answer.headers.contains_key("x-request-id");
            assert!(is_known, "{answer:?} to {:?}", String::from_utf8_lossy(&bytes));
        }
    }
    assert!(answers > 1_000, "only {answers} answers");
}
