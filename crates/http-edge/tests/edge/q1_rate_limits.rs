//! Q1: `rate_limited` and the limit headers of authenticated responses.

use std::time::Duration;

use futures_util::future::join_all;

use crate::client::Answer;
use crate::protected::{BEGIN, ProtectedApp};

fn limit(answer: &Answer) -> [Option<u64>; 3] {
    let number = |name| answer.header(name).map(|value| value.parse().unwrap());
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(number)
}

fn headers(remaining: u64, reset: u64) -> [Option<u64>; 3] {
    [Some(7), Some(remaining), Some(reset)]
}

#[tokio::test]
async fn q1_every_authenticated_response_has_limit_headers() {
    let protected = ProtectedApp::start(7, 100).await;
    assert_eq!(limit(&protected.ask("done", "ann.good", "").await), headers(6, BEGIN + 60));
    protected.advance(Duration::from_millis(10_001));
    let denied = protected.ask("denied", "ann.good", "").await;
    denied.is(403, "insufficient_permission");
    assert_eq!(limit(&denied), headers(5, BEGIN + 60));
    let panicked = protected.ask("panics", "ann.good", "").await;
    panicked.is(500, "internal_error");
    assert_eq!(limit(&panicked), headers(4, BEGIN + 60));
    let chunked =
        "POST /api/v1/protected/done HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ann.good\r\n";
    let malformed =
        format!("{chunked}Content-Type: application/json\r\nContent-Length: 1\r\n\r\n[");
    let answer = protected.server.client().await.ask(malformed).await;
    answer.is(400, "invalid_request");
    assert_eq!(limit(&answer), headers(3, BEGIN + 60));
    let plain = format!("{chunked}Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx");
    let answer = protected.server.client().await.ask(plain).await;
    answer.is(415, "unsupported_media_type");
    assert_eq!(limit(&answer), headers(2, BEGIN + 60));
    let huge = format!(
        "{chunked}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n{}",
        "1".repeat(32 * 1024)
    );
    let answer = protected.server.client().await.ask(huge).await;
    answer.is(413, "payload_too_large");
    assert_eq!(limit(&answer), headers(1, BEGIN + 60));
}

#[tokio::test]
async fn q1_requests_beyond_the_limit_get_429_until_reset() {
    let protected = ProtectedApp::start(7, 100).await;
    for remaining in (0..7).rev() {
        let answer = protected.ask("done", "ann.good", "").await;
        assert_eq!((answer.status, limit(&answer)), (200, headers(remaining, BEGIN + 60)));
    }
    protected.advance(Duration::from_millis(59_500));
    // The limit is checked before the permission (H5).
    for outcome in ["done", "denied"] {
        let refused = protected.ask(outcome, "ann.good", "").await;
        refused.is(429, "rate_limited");
        assert_eq!(
            (limit(&refused), refused.header("retry-after")),
            (headers(0, BEGIN + 60), Some("1"))
        );
    }
    assert_eq!(
        limit(&protected.ask("done", "bob.good", "").await),
        headers(6, BEGIN + 120),
        "bob has a separate window"
    );
    protected.advance(Duration::from_millis(500));
    assert_eq!(limit(&protected.ask("done", "ann.good", "").await), headers(6, BEGIN + 120));
}

#[tokio::test]
async fn q1_unauthenticated_responses_have_no_limit_headers() {
    let protected = ProtectedApp::start(7, 100).await;
    let refused = protected.ask("done", "ann.bad", "").await;
    refused.is(401, "invalid_token");
    assert_eq!(limit(&refused), [None; 3]);
    for request in [
        "POST /api/v1/protected/done HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        "POST /api/v1/protected/done HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ann.good\r\nContent-Length: 16385\r\n\r\n",
        "GET /api/v1/protected/done HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ann.good\r\n\r\n",
        "GET /nowhere HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ann.good\r\n\r\n",
    ] {
        assert_eq!(
            limit(&protected.server.client().await.ask(request).await),
            [None; 3],
            "{request}"
        );
    }
    assert_eq!(
        limit(&protected.ask("done", "ann.good", "").await),
        headers(6, BEGIN + 60),
        "the earlier requests were not counted"
    );
}

#[tokio::test]
async fn q1_disabled_limit_sends_no_limit_headers() {
    let protected = ProtectedApp::start(0, 100).await;
    for _ in 0..100 {
        let answer = protected.ask("done", "ann.good", "").await;
        assert_eq!((answer.status, limit(&answer)), (200, [None; 3]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q1_concurrent_requests_pass_up_to_the_limit() {
    let protected = ProtectedApp::start(7, 100).await;
    let answers = join_all((0..70).map(|_| protected.ask("done", "ann.good", ""))).await;
    let mut remaining: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| limit(answer)[1])
        .collect();
    remaining.sort_unstable();
    assert_eq!(remaining, (0..7).map(Some).collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 63);
}
