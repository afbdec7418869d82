//! The OpenAPI 3.1 document: shapes and examples stand in `templates/openapi.json`, the errors come from the answers' own table.

use serde_json::{Map, Value, json};

use crate::error_code::ErrorCode;

/// Paths, schemas and examples; version, server and errors are filled in.
const TEMPLATE: &str = include_str!("../templates/openapi.json");

/// The document. `public_url` becomes its server, where the operator said how clients reach the service.
#[must_use]
pub fn document(public_url: Option<&str>) -> Value {
    // The template is part of the program, and a test reads it: it always parses.
    let mut document: Value = serde_json::from_str(TEMPLATE).unwrap_or_default();
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["servers"] = json!([{ "url": public_url.unwrap_or("/") }]);
    document["components"]["schemas"]["ErrorCode"]["enum"] =
        ErrorCode::ALL.iter().map(|code| Value::from(code.as_str())).collect();
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        add_errors(operation);
    }
    document
}

/// Replaces an operation's `x-errors` by answers: one a status, with an example for each code.
fn add_errors(operation: &mut Value) {
    let own =
        operation.as_object_mut().and_then(|fields| fields.remove("x-errors")).unwrap_or_default();
    let own = own.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut codes: Vec<ErrorCode> = own.filter_map(ErrorCode::from_code).collect();
    codes.sort_by_key(|code| code.status());
    for codes in codes.chunk_by(|a, b| a.status() == b.status()) {
        if let Some(first) = codes.first() {
            operation["responses"][first.status().as_str()] = error_response(*first, codes);
        }
    }
}

/// One answer for all codes of a status, each with an example.
fn error_response(first: ErrorCode, codes: &[ErrorCode]) -> Value {
    let mut examples = Map::new();
    for code in codes {
        let value = json!({
            "type": format!("/docs/errors/{}", code.as_str()),
            "title": code.title(),
            "status": code.status().as_u16(),
            "detail": code.meaning(),
            "code": code.as_str(),
            "requestId": "01938c5e-7d3a-7c44-9f0e-2b1a5d6c7e8f"
        });
        examples
            .insert(code.as_str().to_owned(), json!({ "summary": code.title(), "value": value }));
    }
    let extra: &[&str] = match first.status().as_u16() {
        401 | 403 => &["WWW-Authenticate"],
        405 => &["Allow"],
        429 => &["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"],
        503 => &["Retry-After"],
        _ => &[],
    };
    let names = ["X-Request-Id", "Cache-Control"].iter().chain(extra);
    let header = |name: &&str| {
        ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
    };
    let list: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
    json!({
        "description": list.join("\n\n"),
        "headers": names.map(header).collect::<Map<_, _>>(),
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": examples
        } }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_every_code_stands_in_the_document() {
        let text = document(None).to_string();
        for code in ErrorCode::ALL {
            assert!(text.contains(&format!("\"code\":\"{}\"", code.as_str())), "{code:?}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|inner| walk(inner, found));
                }
                Value::Array(list) => list.iter().for_each(|inner| walk(inner, found)),
                _ => {}
            }
        }
        let document = document(None);
        let mut references = Vec::new();
        walk(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
