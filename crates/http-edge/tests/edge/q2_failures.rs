//! Q2: failed credentials are rate-limited, and a correct credential always passes.

use std::time::Duration;

use crate::protected::ProtectedApp;

#[tokio::test]
async fn q2_failures_beyond_the_limit_get_429_and_a_correct_credential_passes() {
    let protected = ProtectedApp::start(0, 5).await;
    for _ in 0..5 {
        protected.ask("done", "ann.bad", "").await.is(401, "invalid_token");
    }
    protected.advance(Duration::from_secs(20));
    for round in 0..20 {
        for name in ["ann".to_owned(), format!("invented-{round}")] {
            let refused = protected.ask("done", &format!("{name}.bad"), "").await;
            refused.is(429, "rate_limited");
            assert_eq!(refused.header("retry-after"), Some("40"));
            assert_eq!(refused.header("x-ratelimit-limit"), None);
        }
        // Same source, same name, same minute.
        assert_eq!(protected.ask("done", "ann.good", "").await.status, 200);
        assert_eq!(protected.ask("done", "bob.good", "").await.status, 200);
    }
    protected.advance(Duration::from_secs(40));
    protected.ask("done", "carol.bad", "").await.is(401, "invalid_token");
}

#[tokio::test]
async fn q2_failures_are_counted_per_name_and_per_source() {
    let protected = ProtectedApp::start(0, 5).await;
    for host in 0..5 {
        let from = format!("X-Forwarded-For: 192.0.2.{host}\r\n");
        protected.ask("done", "ann.bad", &from).await.is(401, "invalid_token");
    }
    let elsewhere = "X-Forwarded-For: 2001:db8::1\r\n";
    protected.ask("done", "ann.bad", elsewhere).await.is(429, "rate_limited");
    assert_eq!(protected.ask("done", "ann.good", elsewhere).await.status, 200);
    for host in 2..6 {
        // Same /64 network, which already has one failure.
        let from = format!("X-Forwarded-For: 2001:db8::{host}:0:1\r\n");
        protected
            .ask("done", &format!("invented-{host}.bad"), &from)
            .await
            .is(401, "invalid_token");
    }
    protected
        .ask("done", "bob.bad", "X-Forwarded-For: 2001:db8::ffff\r\n")
        .await
        .is(429, "rate_limited");
    protected
        .ask("done", "bob.bad", "X-Forwarded-For: 2001:db8:0:1::1\r\n")
        .await
        .is(401, "invalid_token");
}

#[tokio::test]
async fn q2_missing_credential_does_not_count_as_a_failure() {
    let protected = ProtectedApp::start(0, 5).await;
    for _ in 0..20 {
        let request =
            "POST /api/v1/protected/done HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
        protected.server.client().await.ask(request).await.is(401, "missing_credential");
    }
    protected.ask("done", "ann.bad", "").await.is(401, "invalid_token");
}
