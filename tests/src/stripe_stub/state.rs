//! What the stub knows and remembers, and how it judges a request.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::answer::{self, End, Response};
use super::fault::{Fault, SessionVariant};
use super::form::{self, Param};
use super::{API_VERSION, CONFIGURATION, CUSTOMER, OTHER_CUSTOMER, OTHER_SUBSCRIPTION, Recorded, SUBSCRIPTION, schema};
use crate::exchanges::{self, Exchange};

const SESSIONS: &str = "/v1/billing_portal/sessions";

/// What becomes of a request.
pub(super) enum Next {
    Answer(Box<Response>),
    Close,
    Stall,
    Delay(Duration),
}

#[derive(Debug)]
pub(super) struct State {
    secret_key: String,
    livemode: bool,
    pub(super) requests: Vec<Recorded>,
    pub(super) issued_urls: Vec<String>,
    pub(super) script: VecDeque<Fault>,
    pub(super) default: Fault,
    pub(super) customers: BTreeSet<String>,
    pub(super) subscriptions: BTreeMap<String, String>,
    stored: HashMap<String, Stored>,
}

/// What an idempotency key stands for.
#[derive(Debug)]
struct Stored {
    form: Vec<(String, String)>,
    response: Response,
}

impl State {
    pub(super) fn new(secret_key: String, livemode: bool) -> Self {
        let owned = [(SUBSCRIPTION, CUSTOMER), (OTHER_SUBSCRIPTION, OTHER_CUSTOMER)];
        Self {
            secret_key,
            livemode,
            requests: Vec::new(),
            issued_urls: Vec::new(),
            script: VecDeque::new(),
            default: Fault::None,
            customers: BTreeSet::from([CUSTOMER.to_owned(), OTHER_CUSTOMER.to_owned()]),
            subscriptions: owned.map(|(subscription, customer)| (subscription.to_owned(), customer.to_owned())).into(),
            stored: HashMap::new(),
        }
    }

    /// Records a request and says what becomes of it.
    pub(super) fn judge(&mut self, head: &Parts, body: &[u8]) -> Next {
        let form = form::fields(body);
        self.requests.push(Recorded {
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
        if let Some(stored) = self.stored.get(&key) {
            let response = if stored.form == form { replay(&stored.response) } else { reused() };
            return self.answer(response);
        }
        let fault = self.script.pop_front().unwrap_or_else(|| self.default.clone());
        self.misbehave(&fault, head, body)
    }

    /// Without a fault: looks things up and makes a session.
    pub(super) fn behave(&mut self, head: &Parts, body: &[u8]) -> Next {
        let form = form::fields(body);
        let response = match self.look_up(&form) {
            Ok(()) => {
                let session = answer::json_answer(200, &self.session(&form));
                self.store(head, &form, &session);
                session
            }
            Err(refusal) => *refusal,
        };
        self.answer(response)
    }

    /// What Stripe refuses before it looks anything up. (The box: a response is large for an error.)
    fn check(&self, head: &Parts, form: &[(String, String)]) -> Result<(), Box<Response>> {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let single = |name: &str| head.headers.get_all(name).iter().count() == 1;
        let refuse = |status, code: &str, param: Option<&str>, message: &str| {
            Err(Box::new(answer::refusal(status, (!code.is_empty()).then_some(code), param, message)))
        };
        if header(AUTHORIZATION.as_str()) != format!("Bearer {}", self.secret_key) || !single("authorization") {
            return refuse(401, "", None, "Invalid API Key provided: sk_test_*************************0001");
        }
        let schema = schema::of_operation(&head.method.as_str().to_lowercase(), head.uri.path());
        let (Some(schema), SESSIONS, &Method::POST, None) = (schema, head.uri.path(), &head.method, head.uri.query())
        else {
            return refuse(404, "", None, "Unrecognized request URL");
        };
        if header("stripe-version") != API_VERSION || !single("stripe-version") {
            return refuse(400, "", None, "Invalid Stripe API version");
        }
        if header(CONTENT_TYPE.as_str()) != "application/x-www-form-urlencoded" {
            return refuse(400, "", None, "Invalid content type");
        }
        if header(USER_AGENT.as_str()).is_empty() {
            return refuse(400, "", None, "No User-Agent was sent");
        }
        // "up to 255 characters long": https://docs.stripe.com/api/idempotent_requests
        if !(1..=255).contains(&header("idempotency-key").len()) || !single("idempotency-key") {
            return refuse(400, "", None, "A POST needs one Idempotency-Key");
        }
        let tree = match form::tree(form) {
            Ok(tree) => tree,
            Err(name) => return refuse(400, "parameter_unknown", Some(&name), "A parameter is malformed or repeated"),
        };
        if let Err(violation) = schema::check(&tree, schema).and_then(|()| beyond_the_schema(&tree)) {
            return refuse(400, violation.code, Some(&violation.param), "A parameter is wrong");
        }
        Ok(())
    }

    /// What Stripe refuses because of what it knows.
    fn look_up(&self, form: &[(String, String)]) -> Result<(), Box<Response>> {
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let missing = |kind: &str, id: &str, param: &str| {
            let message = format!("No such {kind}: '{id}'");
            Err(Box::new(answer::refusal(400, Some("resource_missing"), Some(param), &message)))
        };
        let customer = field("customer").unwrap_or_default();
        if !self.customers.contains(customer) {
            return missing("customer", customer, "customer");
        }
        if let Some(id) = field("configuration").filter(|id| *id != CONFIGURATION) {
            return missing("configuration", id, "configuration");
        }
        for flow in ["subscription_cancel", "subscription_update", "subscription_update_confirm"] {
            let param = format!("flow_data[{flow}][subscription]");
            if let Some(id) =
                field(&param).filter(|id| self.subscriptions.get(*id).map(String::as_str) != Some(customer))
            {
                return missing("subscription", id, &param);
            }
        }
        Ok(())
    }

    fn misbehave(&mut self, fault: &Fault, head: &Parts, body: &[u8]) -> Next {
        let form = form::fields(body);
        let response = match fault {
            Fault::None => return self.behave(head, body),
            Fault::Delay(time) => return Next::Delay(*time),
            Fault::Stall => return Next::Stall,
            Fault::Reset => return Next::Close,
            Fault::Error(error) => {
                let response = answer::error(error, "The stub was told to fail");
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
            Fault::Html(status) => {
                answer::sized(*status, "text/html", "<html>{\"error\":{\"code\":\"resource_missing\"}}")
            }
            Fault::ResetAfterHead(status) => answer::cut(self.whole(*status, head, &form), 0, End::Break),
            Fault::Truncated(status) => answer::cut(self.whole(*status, head, &form), 40, End::Break),
            Fault::StallAfterHead => answer::cut(self.whole(200, head, &form), 0, End::Stall),
            Fault::Oversize => answer::sized(200, "application/json", self.oversize(&form)),
            Fault::OversizeChunked => {
                let whole = Bytes::from(self.oversize(&form));
                let chunks =
                    (0..whole.len()).step_by(64 * 1024).map(|at| whole.slice(at..whole.len().min(at + 64 * 1024)));
                answer::chunked(200, "application/json", chunks.collect())
            }
            Fault::Redirect(status) => {
                let mut response = answer::sized(*status, "application/json", "{}");
                response.headers_mut().insert(LOCATION, HeaderValue::from_static(SESSIONS));
                response
            }
            Fault::Session(variant) => self.wrong_session(*variant, &form),
        };
        self.answer(response)
    }

    /// A complete answer with this status, kept under the idempotency key as Stripe does: 200 is a session.
    fn whole(&mut self, status: u16, head: &Parts, form: &[(String, String)]) -> Response {
        let response = match status {
            200 => answer::json_answer(200, &self.session(form)),
            status => answer::refusal(status, None, None, "The stub was told to fail and to break off"),
        };
        if status == 200 || status >= 500 {
            self.store(head, form, &response);
        }
        response
    }

    fn oversize(&mut self, form: &[(String, String)]) -> String {
        let mut session = self.session(form);
        session["padding"] = json!("x".repeat(1024 * 1024));
        session.to_string()
    }

    fn wrong_session(&mut self, variant: SessionVariant, form: &[(String, String)]) -> Response {
        let mut session = self.session(form);
        let with = |mut session: Value, field: &str, value: Value| {
            session[field] = value;
            answer::json_answer(200, &session)
        };
        let without = |mut session: Value, field: &str| {
            session.as_object_mut().expect("a session is an object").remove(field);
            answer::json_answer(200, &session)
        };
        let url = session["url"].as_str().unwrap_or_default().to_owned();
        match variant {
            SessionVariant::Created => answer::json_answer(201, &session),
            SessionVariant::ContentType => answer::sized(200, "text/html", session.to_string()),
            SessionVariant::NoContentType => {
                let mut response = answer::json_answer(200, &session);
                response.headers_mut().remove(CONTENT_TYPE);
                response
            }
            SessionVariant::Charset => answer::sized(200, "Application/JSON; charset=UTF-8", session.to_string()),
            SessionVariant::NotJson => answer::sized(200, "application/json", "<html>not JSON</html>"),
            SessionVariant::Empty => answer::sized(200, "application/json", ""),
            SessionVariant::Array => {
                let values = json!(["billing_portal.session", session["customer"], self.livemode, url, session["id"]]);
                answer::json_answer(200, &values)
            }
            SessionVariant::Customer => with(session, "customer", json!(OTHER_CUSTOMER)),
            SessionVariant::NoCustomer => without(session, "customer"),
            SessionVariant::Livemode => with(session, "livemode", json!(!self.livemode)),
            SessionVariant::NoLivemode => without(session, "livemode"),
            SessionVariant::Object => with(session, "object", json!("checkout.session")),
            SessionVariant::HttpUrl => with(session, "url", json!(url.replace("https://", "http://"))),
            SessionVariant::LoopbackHttpUrl => with(session, "url", json!("http://127.0.0.1:12111/p/session/x")),
            SessionVariant::UserUrl => with(session, "url", json!(url.replace("https://", "https://user@"))),
            SessionVariant::NotAUrl => with(session, "url", json!("/p/session/x")),
            SessionVariant::UrlTwice => {
                let text =
                    session.to_string().replacen('{', "{\"url\":\"https://billing.stripe.com/p/session/first\",", 1);
                answer::sized(200, "application/json", text)
            }
            SessionVariant::NoUrl => without(session, "url"),
            SessionVariant::NullUrl => with(session, "url", Value::Null),
            SessionVariant::UnknownField => {
                session["added_in_a_later_version"] = json!({ "deep": [1, { "deeper": null }] });
                answer::json_answer(200, &session)
            }
        }
    }

    /// A fresh session object for this order, by the schema `billing_portal.session`.
    fn session(&mut self, form: &[(String, String)]) -> Value {
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let mode = if self.livemode { "live" } else { "test" };
        let url = format!("https://billing.stripe.com/p/session/{mode}_{}", uuid::Uuid::now_v7().simple());
        self.issued_urls.push(url.clone());
        let after_completion = json!({
            "type": field("flow_data[after_completion][type]").unwrap_or("portal_homepage"),
            "redirect": field("flow_data[after_completion][redirect][return_url]").map(|url| json!({ "return_url": url })),
            "hosted_confirmation": null,
        });
        let subscription = |flow: &str| {
            let id = field(&format!("flow_data[{flow}][subscription]"))?;
            Some(json!({ "subscription": id }))
        };
        let flow = field("flow_data[type]").map(|kind| {
            json!({
                "type": kind,
                "after_completion": after_completion,
                "subscription_cancel": subscription("subscription_cancel").map(|mut cancel| {
                    cancel["retention"] = Value::Null;
                    cancel
                }),
                "subscription_update": subscription("subscription_update"),
                "subscription_update_confirm": null,
            })
        });
        json!({
            "id": format!("bps_{:08}", self.issued_urls.len()),
            "object": "billing_portal.session",
            "configuration": field("configuration").unwrap_or(CONFIGURATION),
            "created": 1_780_000_000,
            "customer": field("customer"),
            "customer_account": null,
            "flow": flow,
            "livemode": self.livemode,
            "locale": field("locale"),
            "on_behalf_of": null,
            "return_url": field("return_url"),
            "url": url,
        })
    }

    fn store(&mut self, head: &Parts, form: &[(String, String)], response: &Response) {
        let stored = Stored { form: form.to_vec(), response: response.clone() };
        self.stored.insert(idempotency_key(head), stored);
    }

    /// Adds what every answer of Stripe's carries.
    fn answer(&self, mut response: Response) -> Next {
        let id = format!("req_Stub{:010}", self.requests.len());
        let headers = response.headers_mut();
        headers.insert("request-id", HeaderValue::from_str(&id).expect("letters and digits"));
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        Next::Answer(Box::new(response))
    }
}

/// What Stripe asks for and the schema does not say.
fn beyond_the_schema(form: &BTreeMap<String, Param>) -> Result<(), schema::Violation> {
    let fail = |code, param: &str| Err(schema::Violation { code, param: param.to_owned() });
    if !form.contains_key("customer") && !form.contains_key("customer_account") {
        return fail("parameter_missing", "customer");
    }
    if let Some(Param::Text(url)) = form.get("return_url")
        && !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        return fail("url_invalid", "return_url");
    }
    let Some(Param::Map(flow)) = form.get("flow_data") else { return Ok(()) };
    let Some(Param::Text(kind)) = flow.get("type") else { return Ok(()) };
    let subscription_flows = ["subscription_cancel", "subscription_update", "subscription_update_confirm"];
    if subscription_flows.contains(&kind.as_str()) && !flow.contains_key(kind) {
        return fail("parameter_missing", &format!("flow_data[{kind}]"));
    }
    if let Some(other) = subscription_flows.iter().find(|other| **other != kind && flow.contains_key(**other)) {
        return fail("parameter_unknown", &format!("flow_data[{other}]"));
    }
    if let Some(Param::Map(after)) = flow.get("after_completion")
        && after.get("type") == Some(&Param::Text("redirect".to_owned()))
        && !after.contains_key("redirect")
    {
        return fail("parameter_missing", "flow_data[after_completion][redirect]");
    }
    Ok(())
}

/// What is asked is to fit the schema. What is answered here need not.
fn record(head: &Parts, body: &[u8]) {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let path = head.uri.path().to_owned();
    exchanges::record_request(&Exchange {
        method: head.method.to_string(),
        operation: Some(path.clone()),
        path,
        query: head.uri.query().unwrap_or_default().to_owned(),
        request: String::from_utf8_lossy(body).into_owned(),
        user_agent: header("user-agent"),
        version: header("stripe-version"),
        status: 0,
        answer: None,
    });
}

fn idempotency_key(head: &Parts) -> String {
    head.headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
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
