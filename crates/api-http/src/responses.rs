//! OpenAPI responses for error codes, and response headers.

use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, Response, Type};

use crate::error_code::ErrorCode;

/// Headers of every response.
const ALWAYS: &[&str] = &["X-Request-Id"];
/// Headers of API responses and errors.
const NOT_STORED: &[&str] = &["Cache-Control"];
/// Headers of responses to authenticated callers.
const LIMITS: &[&str] = &["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

type Headers = Vec<(String, RefOr<Header>)>;

/// Returns the definitions of all headers for the components of the document.
pub(crate) fn header_components() -> Headers {
    let text = |description| (Type::String, None, description);
    let number = |minimum: u32, description| (Type::Integer, Some(minimum), description);
    let headers = [
        ("Allow", text("Methods that the path supports.")),
        ("Cache-Control", text("Always `no-store`.")),
        ("Retry-After", number(1, "Seconds to wait before a retry.")),
        ("WWW-Authenticate", text("The `Bearer` challenge (RFC 6750).")),
        (
            "X-RateLimit-Limit",
            number(0, "Requests per minute. Absent if rate limiting is disabled."),
        ),
        ("X-RateLimit-Remaining", number(0, "Requests left in the current window of one minute.")),
        ("X-RateLimit-Reset", number(0, "End of the window, in seconds since the Unix epoch.")),
        ("X-Request-Id", text("Id of this request in the log. Quote it to the operator.")),
    ];
    let component = |(name, (kind, minimum, description)): (&str, (Type, Option<u32>, &str))| {
        let schema = ObjectBuilder::new().schema_type(kind).minimum(minimum).build();
        let header =
            HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
        (name.to_owned(), RefOr::T(header))
    };
    headers.into_iter().map(component).collect()
}

/// Returns the headers of a success response.
pub(crate) fn success_headers(is_api: bool, is_limited: bool) -> Headers {
    let not_stored = if is_api { NOT_STORED } else { &[] };
    let limits = if is_limited { LIMITS } else { &[] };
    references(&[ALWAYS, not_stored, limits].concat())
}

fn references(names: &[&str]) -> Headers {
    let reference = |name: &&str| {
        let target = Ref::new(format!("#/components/headers/{name}"));
        ((*name).to_owned(), RefOr::Ref(target))
    };
    names.iter().map(reference).collect()
}

/// Returns one response per status, with an example for each code.
pub(crate) fn of_errors(codes: &[ErrorCode]) -> Vec<(String, RefOr<Response>)> {
    let mut codes = codes.to_vec();
    codes.sort_by_key(|code| code.status());
    let groups = codes.chunk_by(|a, b| a.status() == b.status());
    groups
        .filter_map(|group| {
            let status = group.first()?.status();
            Some((status.as_str().to_owned(), RefOr::T(of_status(status.as_u16(), group))))
        })
        .collect()
}

fn of_status(status: u16, codes: &[ErrorCode]) -> Response {
    let examples = codes.iter().map(|code| {
        let value = json!({
            "type": format!("/docs/errors/{}", code.as_str()),
            "title": code.title(),
            "status": status,
            "detail": code.meaning(),
            "code": code.as_str(),
            "requestId": "01938c5e-7d3a-7c44-9f0e-2b1a5d6c7e8f"
        });
        (code.as_str(), ExampleBuilder::new().summary(code.title()).value(Some(value)))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build();
    let extra: &[&str] = match status {
        401 | 403 => &["WWW-Authenticate"],
        405 => &["Allow"],
        429 | 503 => &["Retry-After"],
        _ => &[],
    };
    let limits = if status == 429 { LIMITS } else { &[] };
    let list: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
    let mut response = Response::new(list.join("\n\n"));
    response.headers.extend(references(&[ALWAYS, NOT_STORED, extra, limits].concat()));
    response.content.insert("application/problem+json".to_owned(), RefOr::T(content));
    response
}
