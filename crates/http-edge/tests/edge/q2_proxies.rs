//! Q2: `X-Forwarded-For` is trusted only from trusted proxies.

use crate::protected::ProtectedApp;
use crate::server::Server;

#[tokio::test]
async fn q2_trusted_proxy_names_the_client_address() {
    // The peer of these connections, 127.0.0.1, is a trusted proxy.
    let protected = ProtectedApp::start(0, 5).await;
    for (lines, expected) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 203.0.113.9, 192.0.2.7, 127.3.2.1\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 203.0.113.9\r\nx-forwarded-for: 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: 192.0.2.7, invalid\r\n", "127.0.0.1"),
        ("X-Forwarded-For: [2001:db8::7]:443\r\n", "2001:db8::7"),
        ("Forwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n", "127.0.0.1"),
    ] {
        let answer = protected
            .server
            .client()
            .await
            .ask(format!("GET /from HTTP/1.1\r\nHost: h\r\n{lines}\r\n"))
            .await;
        assert_eq!(answer.text(), expected, "{lines:?}");
    }
}

#[tokio::test]
async fn q2_forwarded_for_is_ignored_by_default() {
    let server = Server::start().await;
    let request = "GET /from HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
    assert_eq!(server.client().await.ask(request).await.text(), "127.0.0.1");
}
