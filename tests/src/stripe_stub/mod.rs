//! A strict stub of Stripe's API on loopback. It rejects requests that violate Stripe's published
//! schema, and fails on demand.
//!
//! ```text
//! let stub = StripeStub::start().await;               // test mode; `start_live()` for live mode
//! stub.push(Fault::from_name("429:lock_timeout").unwrap());
//! stub.push(Fault::from_name("reset").unwrap());      // afterwards the fault of `set_default`
//! // BILLING_STRIPE_API_BASE = stub.base_url(), BILLING_STRIPE_SECRET_KEY = stub.secret_key()
//! assert_eq!(stub.requests().len(), 3);
//! ```
//!
//! It has the operations that `provider-stripe` calls (`operation.rs`). It records each request and
//! handles it in this order:
//!
//! 1. It checks the key (401), `Stripe-Version`, media type, `User-Agent`, `Idempotency-Key`
//!    (POST only), and the form or query by the schema: unknown and repeated parameters, types,
//!    enum values, lengths (400). These rejections do not use up a fault.
//! 2. A known idempotency key replays the stored response, also a 500 (`Idempotent-Replayed`).
//!    Other parameters return 400 `idempotency_error`. Like Stripe, the stub stores successes and
//!    5xx, but no rejections.
//! 3. It applies the next [`Fault`] of the script, or the default fault.
//! 4. It looks up customer, subscription, price and configuration, and performs the operation.
//!
//! Initial objects: [`CUSTOMER`] with [`SUBSCRIPTION`], [`OTHER_CUSTOMER`] with
//! [`OTHER_SUBSCRIPTION`], [`DELETED_CUSTOMER`], [`CONFIGURATION`], [`MONTHLY_PRICE`] and
//! [`YEARLY_PRICE`]. Dropping the stub closes its port and its connections.

mod accounts;
mod answer;
mod fault;
mod operation;
mod portal;
mod schema;
mod state;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

pub use fault::{Fault, FaultNameError};

/// The only API version that the stub accepts.
pub const API_VERSION: &str = "2026-05-27.dahlia";
/// A customer with a subscription.
pub const CUSTOMER: &str = "cus_StubKnown00001";
/// The subscription of [`CUSTOMER`].
pub const SUBSCRIPTION: &str = "sub_StubKnown00001";
/// Another customer.
pub const OTHER_CUSTOMER: &str = "cus_StubOther00001";
/// The subscription of [`OTHER_CUSTOMER`].
pub const OTHER_SUBSCRIPTION: &str = "sub_StubOther00001";
/// A deleted customer.
pub const DELETED_CUSTOMER: &str = "cus_StubDeleted001";
/// A price of 9 dollars per month.
pub const MONTHLY_PRICE: &str = "price_StubMonthly001";
/// A price of 90 dollars per year.
pub const YEARLY_PRICE: &str = "price_StubYearly0001";
/// An existing portal configuration.
pub const CONFIGURATION: &str = "bpc_StubKnown00001";

/// A recorded request.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The path, with the query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The decoded fields of the form or query, in order. Empty if the body is not a form.
    pub form: Vec<(String, String)>,
}

/// A running stub. See the module's documentation.
#[derive(Debug)]
pub struct StripeStub {
    address: SocketAddr,
    secret_key: String,
    state: Arc<Mutex<state::State>>,
    accepting: AbortHandle,
}

impl RecordedRequest {
    /// Returns the value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the `Idempotency-Key`.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.header("idempotency-key")
    }

    /// Returns the value of a form field, by its bracketed name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl StripeStub {
    /// Starts a stub in test mode on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::start_in(false).await
    }

    /// Starts a stub in live mode, with a live key and live sessions.
    pub async fn start_live() -> Self {
        Self::start_in(true).await
    }

    async fn start_in(livemode: bool) -> Self {
        // Concatenated, so that secret scanners do not report the source.
        let secret_key =
            format!("sk_{}_StubSecretKey0000000001", if livemode { "live" } else { "test" });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the port's number");
        let state = Arc::new(Mutex::new(state::State::new(secret_key.clone(), livemode)));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state))).abort_handle();
        Self { address, secret_key, state, accepting }
    }

    /// Returns the base URL: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the only key that the stub accepts.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// Returns all requests so far, oldest first, including rejected ones.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Returns the write requests.
    #[must_use]
    pub fn writes(&self) -> Vec<RecordedRequest> {
        self.requests().into_iter().filter(|request| request.method == Method::POST).collect()
    }

    /// Returns the URLs of all created sessions. They are secrets.
    #[must_use]
    pub fn issued_urls(&self) -> Vec<String> {
        self.state.lock().unwrap().issued_urls.clone()
    }

    /// Adds a fault to the script. Each valid request uses up one fault.
    pub fn push(&self, fault: Fault) {
        self.state.lock().unwrap().script.push_back(fault);
    }

    /// Sets the fault after the end of the script. The initial default is [`Fault::None`].
    pub fn set_default(&self, fault: Fault) {
        self.state.lock().unwrap().default = fault;
    }

    /// Adds a customer, or restores a deleted one.
    pub fn add_customer(&self, customer: &str) {
        self.accounts(|accounts| accounts.add_customer(customer, &[]));
    }

    /// Adds a customer with metadata.
    pub fn add_customer_with(&self, customer: &str, metadata: &[(&str, &str)]) {
        self.accounts(|accounts| accounts.add_customer(customer, metadata));
    }

    /// Deletes a customer and cancels its subscriptions. Later uses return `resource_missing`.
    /// Reads return a deleted customer.
    pub fn delete_customer(&self, customer: &str) {
        self.accounts(|accounts| accounts.delete_customer(customer));
    }

    /// Adds an active monthly subscription to a customer.
    pub fn add_subscription(&self, customer: &str, subscription: &str) {
        self.accounts(|accounts| accounts.add_subscription(customer, subscription, MONTHLY_PRICE));
    }

    /// Adds an active subscription with this price to a customer.
    pub fn add_subscription_at(&self, customer: &str, subscription: &str, price: &str) {
        self.accounts(|accounts| accounts.add_subscription(customer, subscription, price));
    }

    /// Changes fields of an object: a customer, subscription, price or checkout session.
    pub fn change(&self, id: &str, fields: &[(&str, Value)]) {
        self.accounts(|accounts| accounts.change(id, fields));
    }

    /// Adds a price like [`MONTHLY_PRICE`] with other values in these fields.
    pub fn add_price(&self, price: &str, fields: &[(&str, Value)]) {
        self.accounts(|accounts| {
            accounts.add_price(price, "month", 900);
            accounts.change(price, fields);
        });
    }

    /// Adds a completed checkout session of a customer that the service did not create.
    pub fn add_complete_session(&self, session: &str, customer: &str, fields: &[(&str, Value)]) {
        self.accounts(|accounts| {
            accounts.add_session(session, customer, &[]);
            accounts.change(session, &[("status", json!("complete")), ("url", Value::Null)]);
            accounts.change(session, fields);
        });
    }

    fn accounts(&self, with: impl FnOnce(&mut accounts::Accounts)) {
        with(&mut self.state.lock().unwrap().accounts);
    }

    /// Closes the port and all connections. Afterwards new connections are refused.
    pub async fn close(&self) {
        self.accepting.abort();
        while !self.accepting.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for StripeStub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts connections until the task is aborted, which closes all of them.
async fn accept(listener: TcpListener, state: Arc<Mutex<state::State>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| serve(request, Arc::clone(&state)));
            // A connection error comes from the client or a fault.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Handles one request. An error closes the connection without a response.
async fn serve(
    request: Request<Incoming>,
    state: Arc<Mutex<state::State>>,
) -> io::Result<answer::Response> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let next = state.lock().unwrap().handle(&head, &body);
    match next {
        state::Next::Answer(response) => Ok(*response),
        state::Next::Close => Err(io::ErrorKind::ConnectionReset.into()),
        state::Next::Stall => std::future::pending().await,
        state::Next::Delay(time) => {
            tokio::time::sleep(time).await;
            match state.lock().unwrap().handle_without_fault(&head, &body) {
                state::Next::Answer(response) => Ok(*response),
                _ => Err(io::ErrorKind::ConnectionReset.into()),
            }
        }
    }
}
