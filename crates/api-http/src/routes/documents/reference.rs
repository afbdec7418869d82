//! `GET /docs`: the OpenAPI document as a page.

use askama::Template;
use axum::body::Bytes;
use serde_json::Value;

use super::page::page;
use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::openapi::SERVICE;

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference<'a> {
    document: &'a Value,
    operations: Vec<Operation>,
    codes: &'static [ErrorCode],
}

/// One operation, as the page shows it.
struct Operation {
    method: String,
    path: String,
    summary: String,
    description: String,
    secured: bool,
    examples: Vec<(String, String)>,
    responses: Vec<(String, String)>,
}

pub(crate) fn endpoint(html: impl Fn() -> Bytes + Clone + Send + Sync + 'static) -> Endpoint {
    Endpoint::get("/docs", move || async move { page(html()) })
        .operation("docs", SERVICE, "This document as a page.")
        .returns_text("text/html", "This document as a page.")
}

/// The page of a document.
pub(crate) fn render(document: &Value) -> String {
    let operations = operations(document);
    let page = Reference { document, operations, codes: ErrorCode::ALL }.render();
    page.unwrap_or_else(|error| format!("the page cannot be rendered: {error}"))
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
            let schemes = operation["security"].as_array();
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(&operation["summary"]),
                description: text(&operation["description"]),
                secured: schemes.is_some_and(|schemes| !schemes.is_empty()),
                examples: entries(content).into_iter().map(example).collect(),
                responses: entries(&operation["responses"]).into_iter().map(response).collect(),
            });
        }
    }
    operations.sort_by(|a, b| (!a.secured, &a.path).cmp(&(!b.secured, &b.path)));
    operations
}
