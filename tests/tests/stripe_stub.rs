//! Tests of the stub: it rejects invalid requests and replays stored responses.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use workspace_tests::stripe_stub::{API_VERSION, CUSTOMER, Fault, MONTHLY_PRICE, StripeStub};

const PATH: &str = "/v1/billing_portal/sessions";

/// A valid request, for modification.
struct Sent {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn good(stub: &StripeStub) -> Sent {
    let headers = vec![
        ("authorization", format!("Bearer {}", stub.secret_key())),
        ("stripe-version", API_VERSION.to_owned()),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("user-agent", "test/1".to_owned()),
        ("idempotency-key", "key-1".to_owned()),
    ];
    Sent { method: "POST", path: PATH, headers, body: format!("customer={CUSTOMER}") }
}

/// Creates a valid GET.
fn read(stub: &StripeStub, path: &'static str) -> Sent {
    let sent = good(stub).without("content-type").without("idempotency-key").body("");
    Sent { method: "GET", path, ..sent }
}

impl Sent {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    /// Sends the request and returns the whole response as text.
    async fn to(&self, stub: &StripeStub) -> String {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{} {} HTTP/1.1\r\nhost: stub\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{}",
            self.method,
            self.path,
            self.body.len(),
            self.body,
        );
        let mut stream =
            TcpStream::connect(stub.base_url().trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn valid_request_creates_a_session() {
    let stub = StripeStub::start().await;
    let answer = good(&stub).to(&stub).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(&stub.issued_urls()[0]),
        "{answer}"
    );
}

#[tokio::test]
async fn p1_request_that_violates_stripes_protocol_is_rejected() {
    let stub = StripeStub::start().await;
    let form = |rest: &str| format!("customer={CUSTOMER}&{rest}");
    for (sent, status, message) in [
        (good(&stub).without("authorization"), 401, "Invalid API Key"),
        (good(&stub).with("authorization", "Bearer sk_test_wrong"), 401, "Invalid API Key"),
        (good(&stub).without("stripe-version"), 400, "version"),
        (good(&stub).with("stripe-version", "2025-01-01"), 400, "version"),
        (good(&stub).with("content-type", "application/json"), 400, "content type"),
        (good(&stub).without("user-agent"), 400, "User-Agent"),
        (good(&stub).without("idempotency-key"), 400, "Idempotency-Key"),
        (good(&stub).with("idempotency-key", &"k".repeat(256)), 400, "Idempotency-Key"),
        (Sent { path: "/v1/billing_portal/session", ..good(&stub) }, 404, "Unrecognized"),
        (good(&stub).body("locale=en"), 400, "parameter_missing"),
        (good(&stub).body(&form("returnUrl=x")), 400, "parameter_unknown"),
        (good(&stub).body(&form("customer=cus_2")), 400, "parameter_unknown"),
        (good(&stub).body(&form("locale=tlh")), 400, "parameter_invalid_enum"),
        (good(&stub).body(&form("flow_data=x")), 400, "parameter_invalid_type"),
        (
            good(&stub).body(&form("flow_data[type]=subscription_cancel")),
            400,
            "flow_data[subscription_cancel]",
        ),
        (good(&stub).body(&form("return_url=/x")), 400, "url_invalid"),
    ] {
        let answer = sent.to(&stub).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(message),
            "{message}: {answer}"
        );
    }
    assert!(stub.issued_urls().is_empty());
}

#[tokio::test]
async fn p1_response_stored_under_a_key_is_replayed() {
    let stub = StripeStub::start().await;
    stub.push(Fault::from_name("500").unwrap());
    for replayed in [false, true] {
        let answer = good(&stub).to(&stub).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        assert_eq!(answer.contains("idempotent-replayed: true"), replayed);
    }
    let other_key = good(&stub).with("idempotency-key", "key-2");
    assert!(other_key.to(&stub).await.starts_with("HTTP/1.1 200"));
    assert!(other_key.to(&stub).await.contains(&stub.issued_urls()[0]));
    assert_eq!(stub.issued_urls().len(), 1);
    let answer = other_key.body(&format!("customer={CUSTOMER}&locale=en")).to(&stub).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("idempotency_error"), "{answer}");
}

#[tokio::test]
async fn p1_invalid_read_is_rejected() {
    let stub = StripeStub::start().await;
    let list = "/v1/subscriptions?status=all&limit=100";
    assert!(read(&stub, list).to(&stub).await.starts_with("HTTP/1.1 200"));
    for (sent, status, message) in [
        (read(&stub, list).without("authorization"), 401, "Invalid API Key"),
        (read(&stub, list).with("idempotency-key", "k"), 400, "Idempotency-Key"),
        (read(&stub, list).with("content-type", "application/json"), 400, "content type"),
        (read(&stub, "/v1/subscriptions?limit=101"), 400, "limit"),
        (read(&stub, "/v1/subscriptions?status=fine"), 400, "parameter_invalid_enum"),
        (read(&stub, "/v1/subscriptions?after=sub_1"), 400, "parameter_unknown"),
        (read(&stub, "/v1/subscriptions?customer=cus_NeverHeardOf01"), 400, "resource_missing"),
        (read(&stub, "/v1/customers/cus_NeverHeardOf01"), 404, "resource_missing"),
        (read(&stub, "/v1/customers/a/b"), 404, "Unrecognized"),
        (Sent { method: "DELETE", ..read(&stub, "/v1/customers/cus_1") }, 404, "Unrecognized"),
    ] {
        let answer = sent.to(&stub).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(message),
            "{message}: {answer}"
        );
    }
}

#[tokio::test]
async fn p1_invalid_creation_is_rejected() {
    let stub = StripeStub::start().await;
    let session = format!(
        "mode=subscription&customer={CUSTOMER}&line_items[0][price]={MONTHLY_PRICE}&success_url=https://a.example/&metadata[k]=v"
    );
    let order = |body: &str| Sent { path: "/v1/checkout/sessions", ..good(&stub) }.body(body);
    assert!(order(&session).to(&stub).await.starts_with("HTTP/1.1 200"));
    for (body, message) in [
        (session.replace("mode=subscription&", ""), "mode"),
        (session.replace("success_url=https://a.example/&", ""), "success_url"),
        (session.replace("https://a.example/", "nowhere"), "url_invalid"),
        (session.replace("line_items[0]", "line_items[1]"), "parameter_invalid_array"),
        (session.replace(MONTHLY_PRICE, "price_NeverHeardOf1"), "line_items[0][price]"),
        (session.replace(CUSTOMER, "cus_NeverHeardOf01"), "resource_missing"),
        (
            format!("{session}&client_reference_id={}", "x".repeat(201)),
            "parameter_invalid_string_too_long",
        ),
        (session.replace("metadata[k]=v", &format!("metadata[k]={}", "v".repeat(501))), "metadata"),
        (session.replace("metadata[k]", &format!("metadata[{}]", "k".repeat(41))), "metadata"),
    ] {
        let answer = order(&body).with("idempotency-key", message).to(&stub).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains(message),
            "{message}: {answer}"
        );
    }
    let other = Sent { path: "/v1/customers", ..good(&stub) }.body(&session);
    assert!(other.to(&stub).await.contains("parameter_unknown"));
    let other = Sent { path: "/v1/customers", ..good(&stub) }.body("metadata[k]=v");
    assert!(
        other.to(&stub).await.contains("idempotency_error"),
        "an idempotency key belongs to one path"
    );
}
