//! A strict stand-in for Stripe's API on loopback: it refuses what Stripe's published schema does not know, and fails on demand.
//!
//! ```text
//! let stub = StripeStub::start().await;               // test mode; `start_live()` for live mode
//! stub.push(Fault::from_name("429:lock_timeout").unwrap());
//! stub.push(Fault::from_name("reset").unwrap());      // then it behaves, or does what `set_default` says
//! // BILLING_STRIPE_API_BASE = stub.base_url(), BILLING_STRIPE_SECRET_KEY = stub.secret_key()
//! assert_eq!(stub.requests().len(), 3);
//! ```
//!
//! It speaks the operations that `provider-stripe` calls (`operation.rs`). Each request is recorded, then judged in this order:
//!
//! 1. the key (401), `Stripe-Version`, media type, `User-Agent`, `Idempotency-Key` (on a POST, and on nothing else), and the form
//!    or query against the schema: unknown and repeated parameters, types, enum values, lengths (400). These refusals use up
//!    no fault.
//! 2. A key seen before replays what is stored under it, also a 500 (`Idempotent-Replayed: true`), or is 400
//!    `idempotency_error` where the parameters differ. Stored are successes and 5xx, as at Stripe; refusals are not.
//! 3. The next [`Fault`] of the script, or the default one.
//! 4. Customer, subscription, price and configuration are looked up; then what was asked for is made or shown.
//!
//! Known at the start: [`CUSTOMER`] with [`SUBSCRIPTION`], [`OTHER_CUSTOMER`] with [`OTHER_SUBSCRIPTION`],
//! [`DELETED_CUSTOMER`], [`CONFIGURATION`], [`MONTHLY_PRICE`] and [`YEARLY_PRICE`]. Dropping the stub closes its port and its connections.

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

/// The one API version that the stub accepts.
pub const API_VERSION: &str = "2026-05-27.dahlia";
/// A customer with a subscription.
pub const CUSTOMER: &str = "cus_StubKnown00001";
/// The subscription of [`CUSTOMER`].
pub const SUBSCRIPTION: &str = "sub_StubKnown00001";
/// Another customer.
pub const OTHER_CUSTOMER: &str = "cus_StubOther00001";
/// The subscription of [`OTHER_CUSTOMER`].
pub const OTHER_SUBSCRIPTION: &str = "sub_StubOther00001";
/// A customer who was deleted.
pub const DELETED_CUSTOMER: &str = "cus_StubDeleted001";
/// A price of 9 dollars a month.
pub const MONTHLY_PRICE: &str = "price_StubMonthly001";
/// A price of 90 dollars a year.
pub const YEARLY_PRICE: &str = "price_StubYearly0001";
/// A portal configuration that exists.
pub const CONFIGURATION: &str = "bpc_StubKnown00001";

/// A request as it came.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Its method.
    pub method: Method,
    /// Its path, with the query if there was one.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its form fields, or those of its query, decoded, in the order sent. Empty where the body was no form.
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
    /// The value of a header, if it was sent as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Its `Idempotency-Key`.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.header("idempotency-key")
    }

    /// The value of a form field, by its bracketed name.
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

    /// Starts a stub in live mode: its key is a live one, and its sessions say so.
    pub async fn start_live() -> Self {
        Self::start_in(true).await
    }

    async fn start_in(livemode: bool) -> Self {
        // Put together here, so that no scanner takes the source for a leak.
        let secret_key =
            format!("sk_{}_StubSecretKey0000000001", if livemode { "live" } else { "test" });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the port's number");
        let state = Arc::new(Mutex::new(state::State::new(secret_key.clone(), livemode)));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state))).abort_handle();
        Self { address, secret_key, state, accepting }
    }

    /// Where it listens: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The one key that it accepts.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// All requests so far, refused ones too, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The requests that change something, without those that read.
    #[must_use]
    pub fn writes(&self) -> Vec<RecordedRequest> {
        self.requests().into_iter().filter(|request| request.method == Method::POST).collect()
    }

    /// The URLs of all sessions made so far: secrets, for tests that look for leaks.
    #[must_use]
    pub fn issued_urls(&self) -> Vec<String> {
        self.state.lock().unwrap().issued_urls.clone()
    }

    /// Adds a fault to the script: each request that gets that far uses one up.
    pub fn push(&self, fault: Fault) {
        self.state.lock().unwrap().script.push_back(fault);
    }

    /// What happens when the script is used up; [`Fault::None`] at the start.
    pub fn set_default(&self, fault: Fault) {
        self.state.lock().unwrap().default = fault;
    }

    /// Makes a customer known, or a deleted one known again.
    pub fn add_customer(&self, customer: &str) {
        self.accounts(|accounts| accounts.add_customer(customer, &[]));
    }

    /// The same with metadata.
    pub fn add_customer_with(&self, customer: &str, metadata: &[(&str, &str)]) {
        self.accounts(|accounts| accounts.add_customer(customer, metadata));
    }

    /// Deletes a customer, whose subscriptions end: from now on Stripe's answer to whoever wants to use it is
    /// `resource_missing`, and to whoever reads it that it is deleted.
    pub fn delete_customer(&self, customer: &str) {
        self.accounts(|accounts| accounts.delete_customer(customer));
    }

    /// Gives a customer a subscription, active, by the month.
    pub fn add_subscription(&self, customer: &str, subscription: &str) {
        self.accounts(|accounts| accounts.add_subscription(customer, subscription, MONTHLY_PRICE));
    }

    /// The same at another price.
    pub fn add_subscription_at(&self, customer: &str, subscription: &str, price: &str) {
        self.accounts(|accounts| accounts.add_subscription(customer, subscription, price));
    }

    /// Changes fields of an object: a customer, subscription, price or checkout session.
    pub fn change(&self, id: &str, fields: &[(&str, Value)]) {
        self.accounts(|accounts| accounts.change(id, fields));
    }

    /// Makes a price known that is like [`MONTHLY_PRICE`] but for these fields.
    pub fn add_price(&self, price: &str, fields: &[(&str, Value)]) {
        self.accounts(|accounts| {
            accounts.add_price(price, "month", 900);
            accounts.change(price, fields);
        });
    }

    /// Makes a completed checkout session of this customer's that nobody of ours asked for.
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

    /// Closes the port and all connections; once this returns, connections are refused.
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

/// Takes connections until it is aborted, which ends them all.
async fn accept(listener: TcpListener, state: Arc<Mutex<state::State>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| serve(request, Arc::clone(&state)));
            // A connection that ends badly is what the client, or a fault, wanted.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Answers one request. An error closes the connection without an answer.
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
