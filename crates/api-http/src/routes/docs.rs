//! The documents: OpenAPI, a rendered reference, a page for each error, `llms.txt` and the front page.
//!
//! Rendered here, without script and without a request to any other host.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::Uri;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use http_edge::Problem;
use serde_json::Value;

use crate::error_code::ErrorCode;
use crate::{Api, openapi, problem};

/// Pages hold text and one inline style sheet; the default denies all else.
const PAGE_HEADERS: [(HeaderName, &str); 1] = [(
    CONTENT_SECURITY_POLICY,
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)];

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    version: &'static str,
}

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference<'a> {
    document: &'a Value,
    operations: Vec<Operation>,
    codes: &'static [ErrorCode],
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    code: ErrorCode,
}

/// One operation, as the reference shows it.
struct Operation {
    method: String,
    path: String,
    summary: String,
    description: String,
    secured: bool,
    examples: Vec<(String, String)>,
    responses: Vec<(String, String)>,
}

pub(crate) async fn index() -> Response {
    page(&Index { version: env!("CARGO_PKG_VERSION") })
}

pub(crate) async fn openapi_json(State(api): State<Api>) -> Response {
    ([(CONTENT_TYPE, "application/json")], Bytes::clone(&documents(&api).openapi)).into_response()
}

pub(crate) async fn reference(State(api): State<Api>) -> Response {
    (
        PAGE_HEADERS,
        [(CONTENT_TYPE, "text/html; charset=utf-8")],
        Bytes::clone(&documents(&api).reference),
    )
        .into_response()
}

/// The documents that need work to make: made once.
#[derive(Debug)]
pub struct Documents {
    openapi: Bytes,
    reference: Bytes,
}

fn documents(api: &Api) -> &Documents {
    api.documents.get_or_init(|| {
        let document = openapi::document(api.public_url.as_deref());
        let page = Reference {
            document: &document,
            operations: operations(&document),
            codes: ErrorCode::ALL,
        }
        .render();
        Documents {
            openapi: document.to_string().into(),
            reference: page
                .unwrap_or_else(|error| format!("the page cannot be rendered: {error}"))
                .into(),
        }
    })
}

/// The code is read from the raw path: another spelling of it is another path (H6).
pub(crate) async fn error_page(uri: Uri) -> Result<Response, Problem> {
    let code = uri.path().rsplit('/').next().unwrap_or_default();
    let unknown = || {
        problem::problem(ErrorCode::NotFound, "There is no such error code; /docs lists them all.")
    };
    let code = ErrorCode::from_code(code).ok_or_else(unknown)?;
    Ok(page(&ErrorPage { code }))
}

pub(crate) async fn llms_txt() -> impl IntoResponse {
    (
        [(http::header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        include_str!("../../templates/llms.txt"),
    )
}

fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (PAGE_HEADERS, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            problem::from_fault(&http_edge::Fault::Panic).into_response()
        }
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut operations = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, operation) in entries(&methods) {
            let content = &operation["requestBody"]["content"]["application/json"]["examples"];
            let example = |(_, example): (String, Value)| {
                (text(&example["summary"]), format!("{:#}", example["value"]))
            };
            let response =
                |(status, response): (String, Value)| (status, text(&response["description"]));
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(&operation["summary"]),
                description: text(&operation["description"]),
                secured: operation["security"]
                    .as_array()
                    .is_some_and(|schemes| !schemes.is_empty()),
                examples: entries(content).into_iter().map(example).collect(),
                responses: entries(&operation["responses"]).into_iter().map(response).collect(),
            });
        }
    }
    operations.sort_by(|a, b| (!a.secured, &a.path).cmp(&(!b.secured, &b.path)));
    operations
}
