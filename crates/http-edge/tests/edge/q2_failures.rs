//! C7: failed credentials are limited, and no correct one is refused for them.

use std::time::Duration;

use crate::guarded::Guarded;

#[tokio::test]
async fn q2_failures_beyond_the_limit_get_429_and_a_correct_credential_passes() {
    let guarded = Guarded::start(0, 5).await;
    for _ in 0..5 {
        guarded.ask("done", "ann.bad", "").await.is(401, "invalid_token");
    }
    guarded.pass(Duration::from_secs(20));
    for turn in 0..20 {
        for name in ["ann".to_owned(), format!("made-up-{turn}")] {
            let refused = guarded.ask("done", &format!("{name}.bad"), "").await;
            refused.is(429, "rate_limited");
            assert_eq!(refused.header("retry-after"), Some("40"));
            assert_eq!(refused.header("x-ratelimit-limit"), None);
        }
        // From the same source, under the same name, in the same minute.
        assert_eq!(guarded.ask("done", "ann.good", "").await.status, 200);
        assert_eq!(guarded.ask("done", "bob.good", "").await.status, 200);
    }
    guarded.pass(Duration::from_secs(40));
    guarded.ask("done", "carol.bad", "").await.is(401, "invalid_token");
}

#[tokio::test]
async fn q2_a_name_is_limited_over_all_sources_and_a_source_over_all_names() {
    let guarded = Guarded::start(0, 5).await;
    for host in 0..5 {
        let from = format!("X-Forwarded-For: 192.0.2.{host}\r\n");
        guarded.ask("done", "ann.bad", &from).await.is(401, "invalid_token");
    }
    let elsewhere = "X-Forwarded-For: 2001:db8::1\r\n";
    guarded.ask("done", "ann.bad", elsewhere).await.is(429, "rate_limited");
    assert_eq!(guarded.ask("done", "ann.good", elsewhere).await.status, 200);
    for host in 2..6 {
        // Within one /64, after one failure of that network.
        let from = format!("X-Forwarded-For: 2001:db8::{host}:0:1\r\n");
        guarded.ask("done", &format!("made-up-{host}.bad"), &from).await.is(401, "invalid_token");
    }
    guarded
        .ask("done", "bob.bad", "X-Forwarded-For: 2001:db8::ffff\r\n")
        .await
        .is(429, "rate_limited");
    guarded
        .ask("done", "bob.bad", "X-Forwarded-For: 2001:db8:0:1::1\r\n")
        .await
        .is(401, "invalid_token");
}

#[tokio::test]
async fn q2_what_presents_no_credential_is_no_failure() {
    let guarded = Guarded::start(0, 5).await;
    for _ in 0..20 {
        let request = "POST /api/v1/guarded/done HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
        guarded.server.client().await.ask(request).await.is(401, "missing_credential");
    }
    guarded.ask("done", "ann.bad", "").await.is(401, "invalid_token");
}
