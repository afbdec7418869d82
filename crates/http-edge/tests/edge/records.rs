//! S1 and B2: the access log and the metrics.

use std::io;
use std::sync::{Arc, Mutex};

use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::fmt::MakeWriter;

use crate::server::Server;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn all(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn s1_request_is_logged_once_without_query_headers_and_body() {
    let lines = Lines::default();
    // With a single subscriber, tracing caches the interest of the first thread that logs a line.
    // That thread may belong to a test without a subscriber. A second subscriber disables this
    // cache.
    let _second = tracing::Dispatch::new(NoSubscriber::default());
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    let server = Server::start().await;
    let mut client = server.client().await;
    let body = "{\"name\":\"s3cret\"}";
    let request = format!(
        "POST /api/v1/echo?s3cret HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer s3cret\r\nX-Request-Id: r-1\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(client.ask(request).await.status, 200);
    client
        .ask("GET /s3cret HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-2\r\n\r\n")
        .await
        .is(404, "not_found");
    client
        .ask("GET /panic HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-3\r\n\r\n")
        .await
        .is(500, "internal_error");
    server.drain.begin();
    server.ended().await;

    let all = lines.all();
    let requests: Vec<_> = all
        .iter()
        .map(|line| &line["fields"])
        .filter(|line| line["message"] == "request")
        .collect();
    assert_eq!(requests.len(), 3, "{all:?}");
    for (line, (id, route, method, status, code)) in requests.iter().zip([
        ("r-1", "/api/v1/echo", "POST", 200, "none"),
        ("r-2", "unmatched", "GET", 404, "not_found"),
        ("r-3", "/panic", "GET", 500, "internal_error"),
    ]) {
        assert_eq!((&line["request_id"], &line["route"]), (&Value::from(id), &Value::from(route)));
        assert_eq!(
            (&line["method"], &line["status"], &line["code"]),
            (&method.into(), &status.into(), &code.into())
        );
        assert!(line["bytes"].as_u64().unwrap() > 0 && line["duration_ms"].is_f64(), "{line}");
    }
    let panic = all.iter().find(|line| line["fields"]["message"] == "a handler panicked").unwrap();
    assert_eq!(
        (&panic["fields"]["cause"], &panic["span"]["request_id"]),
        (&"secret cause".into(), &"r-3".into())
    );
    assert!(!String::from_utf8(lines.0.lock().unwrap().clone()).unwrap().contains("s3cret"));
}

#[tokio::test]
async fn b2_requests_and_connections_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let server = Server::start().await;
    let mut client = server.client().await;
    for _ in 0..2 {
        assert_eq!(client.get("/livez?x").await.status, 200);
    }
    client.ask("BREW /nowhere HTTP/1.1\r\nHost: h\r\n\r\n").await.is(404, "not_found");
    let mut held = server.client().await;
    held.send("GET /api/v1/held HTTP/1.1\r\nHost: h\r\n\r\n").await;
    server.gate.entered(1).await;

    let text = handle.render();
    for line in [
        r#"http_requests_total{route="/livez",method="GET",status="200",code="none"} 2"#,
        r#"http_requests_total{route="unmatched",method="OTHER",status="404",code="not_found"} 1"#,
        r#"http_request_duration_seconds_count{route="/livez",method="GET"} 2"#,
        "http_connections_open 2",
        "http_requests_in_flight 1",
    ] {
        assert!(text.lines().any(|candidate| candidate == line), "{line} is missing in\n{text}");
    }
    server.gate.open();
    assert_eq!(held.answer().await.status, 200);
    server.drain.begin();
    server.ended().await;
    let text = handle.render();
    assert!(
        text.contains("http_connections_open 0") && text.contains("http_requests_in_flight 0"),
        "{text}"
    );
}
