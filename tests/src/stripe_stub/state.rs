//! The stub's state, and its handling of a request.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::accounts::{self, Accounts};
use super::answer::{self, End, Response};
use super::fault::Fault;
use super::operation::Operation;
use super::{API_VERSION, RecordedRequest, portal, schema};
use crate::exchanges::{self, Exchange};
use crate::stripe_form;

/// The stub's reaction to a request.
pub(super) enum Next {
    Answer(Box<Response>),
    Close,
    Stall,
    Delay(Duration),
}

#[derive(Debug)]
pub(super) struct State {
    secret_key: String,
    pub(super) livemode: bool,
    pub(super) requests: Vec<RecordedRequest>,
    pub(super) issued_urls: Vec<String>,
    pub(super) script: VecDeque<Fault>,
    pub(super) default: Fault,
    pub(super) accounts: Accounts,
    stored: HashMap<String, Stored>,
}

/// A stored response and its request.
#[derive(Debug)]
struct Stored {
    path: String,
    form: Vec<(String, String)>,
    response: Response,
}

impl State {
    pub(super) fn new(secret_key: String, livemode: bool) -> Self {
        Self {
            secret_key,
            livemode,
            requests: Vec::new(),
            issued_urls: Vec::new(),
            script: VecDeque::new(),
            default: Fault::None,
            accounts: Accounts::new(livemode),
            stored: HashMap::new(),
        }
    }

    /// Records a request and decides the reaction.
    pub(super) fn handle(&mut self, head: &Parts, body: &[u8]) -> Next {
        let form = sent(head, body);
        self.requests.push(RecordedRequest {
            method: head.method.clone(),
            path: head.uri.to_string(),
            headers: head.headers.clone(),
            form: form.clone(),
        });
        record(head, body);
        if let Err(refusal) = self.check(head, &form) {
            return self.answer(*refusal);
        }
        let key = idempotency_key(head);
        if let Some(stored) = key.and_then(|key| self.stored.get(&key)) {
            let same = stored.form == form && stored.path == head.uri.path();
            let response = if same { replay(&stored.response) } else { reused() };
            return self.answer(response);
        }
        let fault = self.script.pop_front().unwrap_or_else(|| self.default.clone());
        self.apply_fault(&fault, head, body)
    }

    /// Performs the requested operation without a fault.
    pub(super) fn handle_without_fault(&mut self, head: &Parts, body: &[u8]) -> Next {
        let form = sent(head, body);
        let response = match self.act(head, &form) {
            Ok(object) => {
                let response = answer::json_answer(200, &object);
                self.store(head, &form, &response);
                response
            }
            Err(refusal) => *refusal,
        };
        self.answer(response)
    }

    fn act(&mut self, head: &Parts, form: &[(String, String)]) -> Result<Value, Box<Response>> {
        match Operation::of(head) {
            Some(Operation::CreatePortalSession) => {
                portal::look_up(&self.accounts, form).map(|()| self.portal_session(form))
            }
            Some(operation) => {
                let object = self.accounts.act(&operation, form)?;
                self.issued_urls.extend(
                    object["url"]
                        .as_str()
                        .filter(|url| url.starts_with("https"))
                        .map(str::to_owned),
                );
                Ok(object)
            }
            None => Err(Box::new(answer::refusal(404, None, None, "Unrecognized request URL"))),
        }
    }

    /// Creates a portal session and records its URL.
    fn portal_session(&mut self, form: &[(String, String)]) -> Value {
        let session = portal::session(form, self.livemode, self.issued_urls.len() + 1);
        self.issued_urls.extend(session["url"].as_str().map(str::to_owned));
        session
    }

    /// Returns the object that a fault modifies: the normal answer, also for an unknown id.
    fn good(&mut self, head: &Parts, form: &[(String, String)]) -> Value {
        match Operation::of(head) {
            Some(Operation::CreatePortalSession) => self.portal_session(form),
            _ => self.act(head, form).unwrap_or_else(|_| json!({})),
        }
    }

    /// Checks the request before any look-up. The response is boxed because it is large.
    fn check(&self, head: &Parts, form: &[(String, String)]) -> Result<(), Box<Response>> {
        let header = |name: &str| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let single = |name: &str| head.headers.get_all(name).iter().count() == 1;
        let refuse = |status, code: &str, param: Option<&str>, message: &str| {
            Err(Box::new(answer::refusal(
                status,
                (!code.is_empty()).then_some(code),
                param,
                message,
            )))
        };
        if header(AUTHORIZATION.as_str()) != format!("Bearer {}", self.secret_key)
            || !single("authorization")
        {
            return refuse(
                401,
                "",
                None,
                "Invalid API Key provided: sk_test_*************************0001",
            );
        }
        let operation = Operation::of(head);
        let method = head.method.as_str().to_lowercase();
        let schema = operation
            .as_ref()
            .and_then(|operation| schema::of_operation(&method, operation.path()));
        let (Some(operation), Some(schema)) = (operation, schema) else {
            return refuse(404, "", None, "Unrecognized request URL");
        };
        if head.method == Method::POST && head.uri.query().is_some() {
            return refuse(404, "", None, "Unrecognized request URL");
        }
        if header("stripe-version") != API_VERSION || !single("stripe-version") {
            return refuse(400, "", None, "Invalid Stripe API version");
        }
        let media_type =
            if head.method == Method::POST { "application/x-www-form-urlencoded" } else { "" };
        if header(CONTENT_TYPE.as_str()) != media_type {
            return refuse(400, "", None, "Invalid content type");
        }
        if header(USER_AGENT.as_str()).is_empty() {
            return refuse(400, "", None, "No User-Agent was sent");
        }
        // "up to 255 characters long": https://docs.stripe.com/api/idempotent_requests
        let needed =
            (1..=255).contains(&header("idempotency-key").len()) && single("idempotency-key");
        if head.method == Method::POST && !needed {
            return refuse(400, "", None, "A POST needs one Idempotency-Key");
        }
        if head.method == Method::GET && head.headers.contains_key("idempotency-key") {
            return refuse(400, "", None, "A GET has no Idempotency-Key");
        }
        let tree = match stripe_form::tree(form) {
            Ok(tree) => tree,
            Err(name) => {
                return refuse(
                    400,
                    "parameter_unknown",
                    Some(&name),
                    "A parameter is malformed or repeated",
                );
            }
        };
        let beyond = |tree| match operation {
            Operation::CreatePortalSession => portal::check_beyond_schema(tree),
            _ => accounts::check_beyond_schema(&operation, tree),
        };
        if let Err(violation) = schema::check(&tree, &schema).and_then(|()| beyond(&tree)) {
            return refuse(400, violation.code, Some(&violation.param), "A parameter is wrong");
        }
        Ok(())
    }

    fn apply_fault(&mut self, fault: &Fault, head: &Parts, body: &[u8]) -> Next {
        let form = sent(head, body);
        let response = match fault {
            Fault::None => return self.handle_without_fault(head, body),
            Fault::Delay(time) => return Next::Delay(*time),
            Fault::Stall => return Next::Stall,
            Fault::Reset => return Next::Close,
            Fault::Error(error) => {
                let response = answer::error(error, "The stub fails on demand");
                if error.status >= 500 {
                    self.store(head, &form, &response);
                }
                response
            }
            Fault::NoPortalConfiguration => {
                let message = "No configuration provided and your test mode default configuration has not been created. \
                    Provide a configuration or create your default by saving your customer portal settings in test mode at \
                    https://dashboard.stripe.com/test/settings/billing/portal.";
                answer::refusal(400, None, None, message)
            }
            Fault::Leaky => {
                let message = format!(
                    "key {} other rk_live_Other0123456789 hook whsec_Hook0123456789 url \
                     https://billing.stripe.com/p/session/test_Leaked0123456789\r\nforged\u{1b}[31m line {}",
                    self.secret_key,
                    "x".repeat(5000),
                );
                answer::refusal(400, Some("leaky"), Some("leaky"), &message)
            }
            Fault::Html(status) => answer::sized(
                *status,
                "text/html",
                "<html>{\"error\":{\"code\":\"resource_missing\"}}",
            ),
            Fault::ResetAfterHead(status) => {
                answer::cut(self.whole(*status, head, &form), 0, End::Break)
            }
            Fault::Truncated(status) => {
                answer::cut(self.whole(*status, head, &form), 40, End::Break)
            }
            Fault::StallAfterHead => answer::cut(self.whole(200, head, &form), 0, End::Stall),
            Fault::Oversize => answer::sized(200, "application/json", self.oversize(head, &form)),
            Fault::OversizeChunked => {
                let whole = Bytes::from(self.oversize(head, &form));
                let chunks = (0..whole.len())
                    .step_by(64 * 1024)
                    .map(|at| whole.slice(at..whole.len().min(at + 64 * 1024)));
                answer::chunked(200, "application/json", chunks.collect())
            }
            Fault::Redirect(status) => {
                let mut response = answer::sized(*status, "application/json", "{}");
                response.headers_mut().insert(
                    LOCATION,
                    HeaderValue::from_str(head.uri.path()).expect("a path is visible"),
                );
                response
            }
            Fault::Session(variant) => portal::wrong_answer(*variant, self.portal_session(&form)),
            Fault::Changed(pointer, value) => {
                let mut object = self.good(head, &form);
                change(&mut object, pointer, value.clone());
                answer::json_answer(200, &object)
            }
        };
        self.answer(response)
    }

    /// Returns a complete response with this status and stores it under the idempotency key. Status
    /// 200 is the requested object.
    fn whole(&mut self, status: u16, head: &Parts, form: &[(String, String)]) -> Response {
        let response = match status {
            200 => answer::json_answer(200, &self.good(head, form)),
            status => answer::refusal(
                status,
                None,
                None,
                "The stub fails on demand and closes the connection",
            ),
        };
        if status == 200 || status >= 500 {
            self.store(head, form, &response);
        }
        response
    }

    fn oversize(&mut self, head: &Parts, form: &[(String, String)]) -> String {
        let mut object = self.good(head, form);
        object["padding"] = json!("x".repeat(1024 * 1024));
        object.to_string()
    }

    fn store(&mut self, head: &Parts, form: &[(String, String)], response: &Response) {
        let Some(key) = idempotency_key(head) else { return };
        let path = head.uri.path().to_owned();
        self.stored.insert(key, Stored { path, form: form.to_vec(), response: response.clone() });
    }

    /// Adds the headers of every Stripe response.
    fn answer(&self, mut response: Response) -> Next {
        let id = format!("req_Stub{:010}", self.requests.len());
        let headers = response.headers_mut();
        headers.insert("request-id", HeaderValue::from_str(&id).expect("letters and digits"));
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        Next::Answer(Box::new(response))
    }
}

/// Records the request for the schema guard. The stub's response is not checked.
fn record(head: &Parts, body: &[u8]) {
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    exchanges::record_request(&Exchange {
        method: head.method.to_string(),
        operation: Operation::of(head).map(|operation| operation.path().to_owned()),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        request: String::from_utf8_lossy(body).into_owned(),
        user_agent: header("user-agent"),
        version: header("stripe-version"),
        status: 0,
        answer: None,
    });
}

/// Returns the fields of a request's form or query.
fn sent(head: &Parts, body: &[u8]) -> Vec<(String, String)> {
    stripe_form::fields(if head.method == Method::GET {
        head.uri.query().unwrap_or_default().as_bytes()
    } else {
        body
    })
}

fn idempotency_key(head: &Parts) -> Option<String> {
    head.headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Replaces or removes the value at a pointer.
fn change(object: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    let Some(Value::Object(members)) = object.pointer_mut(parent) else { return };
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
}

fn replay(stored: &Response) -> Response {
    let mut response = stored.clone();
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

fn reused() -> Response {
    let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
    answer::refusal(400, Some("idempotency_error"), None, message)
}
