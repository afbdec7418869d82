//! Rules for every response, independent of the case.

use uuid::Uuid;

use crate::response::Response;

/// Texts that no response may contain: internals and the provider's messages.
const INTERNALS: &[&str] = &[
    "stripe.com/docs",
    "StubSecretKey",
    "fails on demand",
    "sqlx",
    "SELECT ",
    "INSERT ",
    "panicked",
    "unwrap()",
    "reqwest",
    "hyper",
    ".rs:",
    "No such ",
    "src/",
];

/// Checks the response to a request of this method and path.
///
/// # Errors
/// The violated rule.
pub fn check(method: &str, target: &str, answer: &Response) -> Result<(), String> {
    let id = single(answer, "x-request-id")?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    ensure((1..=128).contains(&id.len()) && id.bytes().all(allowed), || {
        format!("X-Request-Id is `{id}`")
    })?;
    let nosniff = single(answer, "x-content-type-options")?;
    ensure(nosniff == "nosniff", || format!("X-Content-Type-Options is `{nosniff}`"))?;
    if let Some(server) = answer.header("server") {
        ensure(!server.contains(|c: char| c.is_ascii_digit() || c == '/'), || {
            format!("the header Server contains a version: `{server}`")
        })?;
    }
    if target.starts_with("/api/") {
        let stored = single(answer, "cache-control")?;
        ensure(stored == "no-store", || format!("Cache-Control is `{stored}`"))?;
    }
    match answer.status {
        200 if method == "POST" && target.starts_with("/api/") => session(answer),
        400.. if method != "HEAD" => problem(answer, id),
        _ => Ok(()),
    }?;
    headers_of_status(answer)
}

/// Returns whether a request id is a new UUIDv7 of the service.
#[must_use]
pub fn is_fresh_request_id(id: &str) -> bool {
    let lower = !id.bytes().any(|b| b.is_ascii_uppercase());
    lower && id.len() == 36 && Uuid::parse_str(id).is_ok_and(|uuid| uuid.get_version_num() == 7)
}

fn session(answer: &Response) -> Result<(), String> {
    let body = answer.json();
    let names: Vec<&str> =
        body.as_object().map(|o| o.keys().map(String::as_str).collect()).unwrap_or_default();
    ensure(names == ["url"], || format!("a session has the member `url` only, not {names:?}"))?;
    ensure(body["url"].is_string(), || "`url` is not a string".to_owned())?;
    ensure(answer.header("content-type").is_some_and(|t| t.starts_with("application/json")), || {
        "the body is not JSON".to_owned()
    })
}

fn problem(answer: &Response, id: &str) -> Result<(), String> {
    let kind = answer.header("content-type").unwrap_or_default();
    ensure(kind.starts_with("application/problem+json"), || {
        format!("Content-Type of a problem is `{kind}`")
    })?;
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    for name in ["type", "title", "detail", "code", "requestId"] {
        ensure(!text(name).is_empty(), || format!("`{name}` is missing in {body}"))?;
    }
    ensure(body["status"] == answer.status, || {
        format!("`status` is {} in a response with status {}", body["status"], answer.status)
    })?;
    ensure(text("requestId") == id, || {
        format!("`requestId` is {}, the header says {id}", text("requestId"))
    })?;
    let page = format!("/docs/errors/{}", text("code"));
    ensure(text("type").ends_with(&page), || format!("`type` is {}", text("type")))?;
    let whole = answer.text();
    match INTERNALS.iter().find(|word| whole.contains(**word)) {
        Some(word) => Err(format!("the problem contains internals (`{word}`): {whole}")),
        None => Ok(()),
    }
}

fn headers_of_status(answer: &Response) -> Result<(), String> {
    match answer.status {
        401 => {
            let challenge = single(answer, "www-authenticate")?;
            ensure(challenge.starts_with("Bearer"), || format!("the challenge is `{challenge}`"))?;
            // The response to HEAD has no body, so it has no code.
            if answer.body.is_empty() {
                return Ok(());
            }
            let sent = answer.code() != "missing_credential";
            let named = challenge.contains("error=\"invalid_token\"");
            ensure(sent == named, || format!("the challenge of {} is `{challenge}`", answer.code()))
        }
        403 => {
            let challenge = single(answer, "www-authenticate")?;
            ensure(challenge.contains("error=\"insufficient_scope\""), || {
                format!("the challenge is `{challenge}`")
            })
        }
        405 => single(answer, "allow").map(|_| ()),
        429 | 503 => {
            let wait = single(answer, "retry-after")?;
            ensure(wait.parse::<u32>().is_ok_and(|seconds| seconds > 0), || {
                format!("Retry-After is `{wait}`")
            })
        }
        _ => Ok(()),
    }
}

fn single<'a>(answer: &'a Response, name: &str) -> Result<&'a str, String> {
    match answer.all(name).as_slice() {
        [one] => Ok(one),
        several => Err(format!("{name} occurs {} times", several.len())),
    }
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}
