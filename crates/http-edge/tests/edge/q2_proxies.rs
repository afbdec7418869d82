//! S3: `X-Forwarded-For` is believed from trusted proxies.

use crate::guarded::Guarded;
use crate::server::Server;

#[tokio::test]
async fn q2_the_client_is_who_a_trusted_proxy_names() {
    // The peer of these connections, 127.0.0.1, is a trusted proxy.
    let guarded = Guarded::start(0, 5).await;
    for (lines, expected) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 203.0.113.9, 192.0.2.7, 127.3.2.1\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 203.0.113.9\r\nx-forwarded-for: 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 192.0.2.7, rubbish\r\n", "127.0.0.1"),
        ("X-Forwarded-For: [2001:db8::7]:443\r\n", "2001:db8::7"),
        ("Forwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n", "127.0.0.1"),
    ] {
        let answer = guarded
            .server
            .client()
            .await
            .ask(format!("GET /from HTTP/1.1\r\nHost: h\r\n{lines}\r\n"))
            .await;
        assert_eq!(answer.text(), expected, "{lines:?}");
    }
}

#[tokio::test]
async fn q2_by_default_nobody_is_believed() {
    let server = Server::start().await;
    let request = "GET /from HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
    assert_eq!(server.client().await.ask(request).await.text(), "127.0.0.1");
}
