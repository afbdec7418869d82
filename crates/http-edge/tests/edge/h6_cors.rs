//! H6: CORS is closed unless exact origins are listed.

use crate::client::Answer;
use crate::protected::ProtectedApp;
use crate::server::Server;

const LISTED: &str = "https://app.example.com";

async fn ask(server: &Server, line: &str, lines: &str) -> Answer {
    server.client().await.ask(format!("{line} HTTP/1.1\r\nHost: h\r\n{lines}\r\n")).await
}

fn from(origin: &str) -> String {
    format!("Origin: {origin}\r\n")
}

fn preflight(origin: &str) -> String {
    format!(
        "Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,idempotency-key\r\n"
    )
}

/// Returns the names of the CORS headers, sorted.
fn cors(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

#[tokio::test]
async fn h6_preflight_of_a_listed_origin_returns_204() {
    let protected = ProtectedApp::start(7, 5).await;
    for origin in [LISTED, "http://localhost:3000", "capacitor://localhost"] {
        let answer =
            ask(&protected.server, "OPTIONS /api/v1/protected/done", &preflight(origin)).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        for (name, value) in [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "GET, POST"),
            ("allow", "POST"),
            ("access-control-allow-headers", "authorization, idempotency-key"),
            ("access-control-max-age", "7200"),
            ("vary", "Origin, Access-Control-Request-Headers"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        assert_eq!(cors(&answer).len(), 4);
        for absent in ["content-length", "content-type", "x-ratelimit-limit"] {
            assert_eq!(answer.header(absent), None, "{absent}");
        }
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36);
    }
}

#[tokio::test]
async fn h6_listed_origin_may_read_every_response() {
    let protected = ProtectedApp::start(7, 5).await;
    let mut answers = vec![
        protected.ask("done", "ann.good", &from(LISTED)).await,
        protected.ask("denied", "ann.good", &from(LISTED)).await,
        protected.ask("panics", "ann.good", &from(LISTED)).await,
        protected.ask("done", "ann.bad", &from(LISTED)).await,
    ];
    for (line, lines) in [
        ("POST /api/v1/protected/done", "Content-Length: 16385\r\n"),
        ("POST /api/v1/nowhere", "Content-Length: 0\r\n"),
        ("GET /api/v1/protected/done", ""),
        // OPTIONS without Access-Control-Request-Method is not a preflight.
        ("OPTIONS /api/v1/protected/done", ""),
    ] {
        answers.push(ask(&protected.server, line, &format!("{}{lines}", from(LISTED))).await);
    }
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 403, 500, 401, 413, 404, 405, 405]);
    for answer in &answers {
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED), "{answer:?}");
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert_eq!(exposed, "x-request-id, retry-after");
        assert_eq!((cors(answer).len(), answer.header("vary")), (2, Some("Origin")));
    }
}

/// Sends a preflight with additional header lines.
async fn preflighted(server: &Server, lines: &str) -> Answer {
    let lines = format!("{}Access-Control-Request-Method: POST\r\n{lines}", from(LISTED));
    ask(server, "OPTIONS /api/v1/protected/done", &lines).await
}

#[tokio::test]
async fn h6_preflight_echoes_up_to_64_requested_header_names() {
    const HEADERS: &str = "Access-Control-Request-Headers";
    let protected = ProtectedApp::start(7, 5).await;
    let names: Vec<String> = (0..70).map(|number| format!("x-header-{number}")).collect();
    for (lines, echoed) in [
        (String::new(), None),
        (format!("{HEADERS}: \r\n"), None),
        (format!("{HEADERS}: X-One ,,a b,x:y, x-two\r\n"), Some("x-one, x-two".to_owned())),
        (format!("{HEADERS}: x-one\r\n{HEADERS}: x-two\r\n"), Some("x-one, x-two".to_owned())),
        (format!("{HEADERS}: {}\r\n", names.join(",")), Some(names[..64].join(", "))),
    ] {
        let answer = preflighted(&protected.server, &lines).await;
        assert_eq!(answer.status, 204, "{lines}");
        assert_eq!(answer.header("access-control-allow-headers"), echoed.as_deref(), "{lines}");
        assert_eq!(answer.header("vary"), Some("Origin, Access-Control-Request-Headers"));
    }
}

#[tokio::test]
async fn h6_unlisted_origin_gets_no_cors_headers() {
    let protected = ProtectedApp::start(7, 5).await;
    for origin in [
        "https://evil.example",
        "https://app.example.com:444",
        "http://app.example.com",
        "null",
        "*",
        "HTTPS://APP.EXAMPLE.COM",
    ] {
        let answer =
            ask(&protected.server, "OPTIONS /api/v1/protected/done", &preflight(origin)).await;
        answer.is(405, "method_not_allowed");
        assert_eq!((answer.header("allow"), cors(&answer).len()), (Some("POST"), 0), "{origin}");
        let answer = protected.ask("done", "ann.good", &from(origin)).await;
        assert_eq!(cors(&answer).len(), 0);
        assert_eq!(
            answer.header("vary"),
            Some("Origin"),
            "caches must keep this response from listed pages"
        );
    }
    let twice = format!("{}{}", from(LISTED), preflight(LISTED));
    ask(&protected.server, "OPTIONS /api/v1/protected/done", &twice)
        .await
        .is(405, "method_not_allowed");
    let without = protected.ask("done", "bob.good", "").await;
    assert_eq!((cors(&without).len(), without.header("vary")), (0, Some("Origin")));
}

#[tokio::test]
async fn h6_preflight_of_an_unknown_path_returns_404() {
    let protected = ProtectedApp::start(7, 5).await;
    for path in ["/api/v1/nowhere", "/api/v1/protected/done/", "/api/v1/protected"] {
        let answer = ask(&protected.server, &format!("OPTIONS {path}"), &preflight(LISTED)).await;
        answer.is(404, "not_found");
        assert_eq!(answer.header("access-control-allow-methods"), None);
    }
}

#[tokio::test]
async fn h6_cors_is_closed_outside_the_api() {
    let protected = ProtectedApp::start(7, 5).await;
    let answer = ask(&protected.server, "OPTIONS /from", &preflight(LISTED)).await;
    answer.is(405, "method_not_allowed");
    for answer in [answer, ask(&protected.server, "GET /from", &from(LISTED)).await] {
        assert_eq!((cors(&answer).len(), answer.header("vary")), (0, None));
    }
}

#[tokio::test]
async fn h6_cors_is_closed_by_default() {
    let server = Server::start().await;
    let answer = ask(&server, "OPTIONS /api/v1/two", &preflight(LISTED)).await;
    answer.is(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
    for answer in [answer, ask(&server, "GET /api/v1/two", &from(LISTED)).await] {
        assert_eq!((cors(&answer).len(), answer.header("vary")), (0, None));
    }
}
