//! Runs the cases of the data files against the shared services.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::canary;
use crate::case::{Case, Credential, Expect, Route, WireCase};
use crate::invariants;
use crate::placeholders::Placeholders;
use crate::portal::Portal;
use crate::response::Response;
use crate::shared_fixture::SharedFixture;
use crate::stripe_stub::RecordedRequest;
use crate::tokens;
use crate::user::User;
use crate::wire::{Connection, Outcome, Request};

/// The access token's route.
pub const TOKEN_ROUTE: &str = "/api/v1/subscriptions/portal";
/// The API key's route.
pub const KEY_ROUTE: &str = "/api/v1/subscriptions/portal/api";

/// Runs a case.
///
/// # Errors
/// The first difference from the expectation.
pub fn run(shared: &SharedFixture, case: &Case) -> Result<(), String> {
    let routes: &[Route] = match case.route {
        Route::Both => &[Route::Token, Route::Key],
        Route::Token => &[Route::Token],
        Route::Key => &[Route::Key],
    };
    // A missing customer is reported to all replicas of the database. Services of other cases share
    // the database but not this provider. They would read the customer at their own provider and
    // unlink the user.
    let own = is_reported_to_replicas(case).then(|| SharedFixture::create(shared.store()));
    let shared = own.as_ref().unwrap_or(shared);
    routes.iter().try_for_each(|route| {
        shared.with_user(|user| match &case.faults {
            None => shared.portal(&case.profile, |portal| {
                let calls = |user: &User| shared.requests_for(&case.profile, &user.customer);
                exchange(shared, case, *route, portal, user, calls)
            }),
            Some(faults) => shared.with_stub_fixture(&case.profile, |stub_fixture| {
                stub_fixture.prepare(user, faults);
                exchange(shared, case, *route, &stub_fixture.portal, user, |_| {
                    stub_fixture.stub.writes()
                })
            }),
        })
    })
}

fn is_reported_to_replicas(case: &Case) -> bool {
    case.faults.is_some() && case.expect.code.as_deref() == Some("billing_account_not_found")
}

fn exchange(
    shared: &SharedFixture,
    case: &Case,
    route: Route,
    portal: &Portal,
    user: &mut User,
    calls: impl Fn(&User) -> Vec<RecordedRequest>,
) -> Result<(), String> {
    let address =
        if case.listener.as_deref() == Some("admin") { portal.admin } else { portal.public };
    let mut placeholders = shared.placeholders(&case.profile, user);
    placeholders.set("host", address.to_string());
    placeholders.set(
        "credential",
        placeholders.fill(if route == Route::Key { "{key}" } else { "{token}" }),
    );
    let request = request(shared, case, route, user, &placeholders);
    let before = calls(user).len();
    let log_before = portal.process.log().len();
    let started = Instant::now();
    let answer = request.send(address)?;
    let took = started.elapsed();
    let seen = calls(user).split_off(before);
    if answer.status == 200 {
        canary::plant_url(&answer.portal_url());
    }
    let target = request.target.split('?').next().unwrap_or_default();
    let response_text = format!("{} {:?}\n{}", answer.status, answer.headers, answer.text());
    check_response(case, &placeholders, &answer, &seen, took)
        .and_then(|()| invariants::check(&case.method, target, &answer))
        .and_then(|()| check_log(&case.expect, portal, log_before, &answer))
        .map_err(|wrong| format!("{wrong}\n\nthe response was: {response_text}"))
}

pub(crate) fn request(
    shared: &SharedFixture,
    case: &Case,
    route: Route,
    user: &mut User,
    placeholders: &Placeholders,
) -> Request {
    let own = if route == Route::Key { KEY_ROUTE } else { TOKEN_ROUTE };
    let target =
        case.target.as_deref().map_or_else(|| own.to_owned(), |target| placeholders.fill(target));
    let mut request = Request::new(&case.method, target);
    let bearer = match &case.credential {
        None => vec![placeholders.fill("Bearer {credential}")],
        Some(Credential::None(_)) => Vec::new(),
        Some(Credential::Raw { authorization }) => {
            authorization.iter().map(|value| placeholders.fill(value)).collect()
        }
        Some(Credential::Token { token }) => {
            vec![format!(
                "Bearer {}",
                tokens::mint(&shared.profiles().get(&case.profile).issuer, token, placeholders)
            )]
        }
        Some(Credential::Key { key }) => {
            vec![format!("Bearer {}", shared.special_key(&case.profile, user, key))]
        }
    };
    for value in bearer {
        request = request.header("authorization", value);
    }
    if let Some(body) = &case.body {
        request = request.body(bytes(&match body {
            Value::String(raw) => placeholders.fill(raw),
            json => placeholders.fill(&json.to_string()),
        }));
        match case.content_type.as_deref() {
            Some("none") => {}
            other => request = request.header("content-type", other.unwrap_or("application/json")),
        }
    }
    for (name, value) in &case.headers {
        request = request.header(name, placeholders.fill(value));
    }
    if let Some(fields) = case.fields {
        // `Host` is added when the request is written.
        for at in request.headers.len() + 1..fields {
            request = request.header(format!("x-field-{at}"), "1");
        }
    }
    request
}

/// Returns the bytes of a text. With the prefix `latin1:` each character becomes one byte.
fn bytes(text: &str) -> Vec<u8> {
    match text.strip_prefix("latin1:") {
        Some(text) => text.chars().map(|c| u8::try_from(u32::from(c)).expect("latin-1")).collect(),
        None => text.as_bytes().to_vec(),
    }
}

fn check_response(
    case: &Case,
    placeholders: &Placeholders,
    answer: &Response,
    seen: &[RecordedRequest],
    took: Duration,
) -> Result<(), String> {
    let expect = &case.expect;
    ensure(expect.status.allow(answer.status), || {
        format!("the status is not {:?}", expect.status)
    })?;
    if let Some(code) = &expect.code {
        ensure(answer.code() == *code, || format!("the code is not {code}"))?;
    }
    if let Some(kind) = &expect.problem_type {
        ensure(answer.json()["type"] == **kind, || format!("the type is not {kind}"))?;
    }
    let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
    for word in &expect.detail {
        ensure(detail.contains(word), || format!("the detail does not contain `{word}`"))?;
    }
    for (name, value) in &expect.headers {
        let found = answer.header(name);
        let wanted = value.as_ref().map(|value| placeholders.fill(value));
        ensure(found == wanted.as_deref(), || format!("{name} is {found:?}, not {wanted:?}"))?;
    }
    for name in &expect.has_headers {
        ensure(answer.header(name).is_some(), || format!("{name} is missing"))?;
    }
    for (name, wanted) in &expect.header_contains {
        let found = answer.header(name).unwrap_or_default();
        ensure(wanted.iter().all(|word| found.contains(word)), || {
            format!("{name} is `{found}` and does not contain all of {wanted:?}")
        })?;
    }
    if expect.fresh_request_id {
        let id = answer.header("x-request-id").unwrap_or_default();
        ensure(invariants::is_fresh_request_id(id), || {
            format!("the request id `{id}` is not a new UUIDv7")
        })?;
    }
    let body = answer.text();
    for word in &expect.body {
        ensure(body.contains(word), || format!("the body does not contain `{word}`"))?;
    }
    if let Some(limit) = expect.within_ms {
        ensure(took < Duration::from_millis(limit), || format!("the request took {took:?}"))?;
    }
    check_upstream(case, placeholders, answer, seen)
}

fn check_upstream(
    case: &Case,
    placeholders: &Placeholders,
    answer: &Response,
    seen: &[RecordedRequest],
) -> Result<(), String> {
    let expect = &case.expect;
    let session = answer.status == 200 && case.method == "POST";
    let by_rule = usize::from(session);
    let wanted = expect.calls.or(expect.idempotency.as_ref().map(Vec::len));
    match (wanted, expect.max_calls) {
        (None, Some(most)) => {
            ensure(seen.len() <= most, || format!("{} requests reached the provider", seen.len()))?
        }
        (wanted, _) => {
            let wanted = wanted.unwrap_or(by_rule);
            ensure(seen.len() == wanted, || {
                format!("{} requests reached the provider, not {wanted}", seen.len())
            })?;
        }
    }
    let last = seen.last();
    for (name, value) in &expect.form {
        let found = last.and_then(|request| request.field(name));
        let value = placeholders.fill(value);
        ensure(found == Some(value.as_str()), || {
            format!("the provider received {name}={found:?}, not {value}")
        })?;
    }
    for name in &expect.no_form {
        ensure(last.is_none_or(|request| request.field(name).is_none()), || {
            format!("the provider received {name}")
        })?;
    }
    for request in seen {
        for (name, value) in &expect.upstream_headers {
            let found = request.header(name);
            ensure(found == Some(value), || format!("the provider received {name}: {found:?}"))?;
        }
        for (name, wanted) in &expect.upstream_header_contains {
            let found = request.header(name).unwrap_or_default();
            ensure(wanted.iter().all(|word| found.contains(word)), || {
                format!("the provider received {name}: {found}")
            })?;
        }
    }
    if let Some(pattern) = &expect.idempotency {
        let keys: Vec<_> =
            seen.iter().map(|request| request.idempotency_key().unwrap_or_default()).collect();
        ensure(keys.iter().all(|key| !key.is_empty()), || {
            "a request has no idempotency key".to_owned()
        })?;
        for (a, left) in pattern.iter().enumerate() {
            for (b, right) in pattern.iter().enumerate() {
                ensure((left == right) == (keys[a] == keys[b]), || {
                    format!("the idempotency keys are {keys:?}, not as {pattern:?}")
                })?;
            }
        }
    }
    Ok(())
}

fn check_log(
    expect: &Expect,
    portal: &Portal,
    log_before: usize,
    answer: &Response,
) -> Result<(), String> {
    let body = answer.text();
    let log = portal.process.log().text_from(log_before);
    for word in &expect.absent {
        ensure(!body.contains(word), || format!("the body contains `{word}`"))?;
    }
    for word in expect.absent.iter().filter(|word| word.len() >= 12) {
        ensure(!log.contains(word.as_str()), || format!("the log contains `{word}`"))?;
    }
    if !expect.log.is_empty() {
        let whole = || portal.process.log().text_from(log_before);
        let logged = crate::poll::within(Duration::from_secs(10), || {
            expect.log.iter().all(|word| whole().contains(word)).then_some(())
        });
        ensure(logged.is_some(), || {
            format!("no log line of this request contains all of {:?}", expect.log)
        })?;
    }
    Ok(())
}

/// Runs a case of bytes on a connection.
///
/// # Errors
/// The first difference from the expectation.
pub fn run_wire(shared: &SharedFixture, case: &WireCase) -> Result<(), String> {
    shared.with_user(|user| {
        shared.portal("default", |portal| {
            let mut placeholders = shared.placeholders("default", user);
            placeholders.set("host", portal.public.to_string());
            let mut connection = Connection::open(portal.public).map_err(|e| e.to_string())?;
            for piece in &case.send {
                // The server may have responded and closed already, as some cases expect.
                let _ = connection.send(placeholders.fill(piece).as_bytes());
            }
            if let Some(send_slowly) = &case.send_slowly {
                connection.send_slowly(placeholders.fill(send_slowly).as_bytes());
            }
            let mut first_line = case.send.first().map_or("GET", String::as_str).split(' ');
            let method = first_line.next().unwrap_or_default();
            let target = first_line.next().unwrap_or("/");
            check_wire(case, method, target, &mut connection)
        })
    })
}

fn check_wire(
    case: &WireCase,
    method: &str,
    target: &str,
    connection: &mut Connection,
) -> Result<(), String> {
    let answer = match connection.answer(method, target) {
        Outcome::Answer(answer) => answer,
        Outcome::Closed => {
            return ensure(case.expect.or_closed, || {
                "the server closed without a response".to_owned()
            });
        }
        Outcome::Silence => return Err("the server neither responded nor closed".to_owned()),
    };
    let response_text = format!("{} {:?}\n{}", answer.status, answer.headers, answer.text());
    let right = case.expect.status.contains(&answer.status);
    ensure(right, || {
        format!(
            "the status is none of {:?}\n\nthe response was: {response_text}",
            case.expect.status
        )
    })?;
    if let Some(code) = &case.expect.code {
        ensure(answer.code() == *code, || {
            format!("the code is not {code}\n\nthe response was: {response_text}")
        })?;
        invariants::check(method, TOKEN_ROUTE, &answer)
            .map_err(|wrong| format!("{wrong}\n\nthe response was: {response_text}"))?;
    }
    if case.expect.then_closed {
        return match connection.answer("GET", "/") {
            Outcome::Closed => Ok(()),
            Outcome::Silence => Err("the connection stays open after the response".to_owned()),
            Outcome::Answer(second) => {
                Err(format!("the following request got a response too: {}", second.status))
            }
        };
    }
    Ok(())
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}
