//! Checks the service's responses against the OpenAPI document that `billing-portal openapi`
//! prints.
//!
//! [`Request::send`](crate::wire::Request::send) checks every response of a watched listener. The
//! check is stricter than the document: properties that the document does not name are faults.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::binary;
use crate::response::Response;

/// The media type of errors (RFC 9457).
const PROBLEM: &str = "application/problem+json";
/// Schema key of errors that belong to no operation.
const ANY_PROBLEM: &str = "any problem";
/// Pages and files for browsers. The document omits them, because API clients do not use them.
const FOR_BROWSERS: &[&str] = &[
    "/demo/portal",
    "/docs/reference.css",
    "/docs/reference.js",
    "/docs/scalar-api-reference-1.76.0.js",
];
/// Maximum number of characters of a body in a fault.
const MAX_SHOWN: usize = 300;

/// The document, with its schemas compiled.
#[derive(Debug)]
pub struct ApiDocument {
    document: Value,
    validator: Validator,
}

/// Public listeners whose responses are checked.
static WATCHED: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());

/// A watched public listener. Its responses are checked until this value is dropped.
#[derive(Debug)]
pub struct Watched(SocketAddr);

/// Starts checking all responses of a public listener.
#[must_use]
pub fn watch(public: SocketAddr) -> Watched {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner).insert(public);
    Watched(public)
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCHED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Checks the response to a request if the address belongs to a watched listener.
///
/// # Panics
/// When the response violates the document.
#[track_caller]
pub fn check(address: SocketAddr, method: &str, target: &str, answer: &Response) {
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner).contains(&address);
    if watched {
        let faults = printed().faults(method, target, answer);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

/// Returns the document that the binary under test prints.
fn printed() -> &'static ApiDocument {
    static PRINTED: OnceLock<ApiDocument> = OnceLock::new();
    PRINTED.get_or_init(|| {
        let output = Command::new(binary::path()).arg("openapi").env_clear().output();
        let output = output.expect("the binary under test starts");
        let document = serde_json::from_slice(&output.stdout).expect("the document is JSON");
        ApiDocument::new(document).expect("the document's schemas compile")
    })
}

impl ApiDocument {
    /// Compiles the schemas of a document.
    ///
    /// # Errors
    /// When a schema is malformed or the schema of errors is missing.
    pub fn new(document: Value) -> Result<Self, String> {
        let problem = "/components/schemas/Problem";
        document.pointer(problem).ok_or_else(|| format!("the document has no {problem}"))?;
        let mut places = Map::new();
        places.insert(ANY_PROBLEM.to_owned(), json!({ "$ref": format!("#{problem}") }));
        for (path, method, operation) in operations(&document) {
            for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                for (media, content) in
                    resolved(&document, answer)["content"].as_object().into_iter().flatten()
                {
                    if let Some(schema) = content.get("schema") {
                        places.insert(place(method, path, status, media), schema.clone());
                    }
                }
            }
        }
        let mut schema =
            json!({ "properties": places, "components": document["components"].clone() });
        let mut composed = BTreeSet::new();
        collect_composed(&schema, &mut composed);
        close(&mut schema, "", &composed, false);
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["additionalProperties"] = json!(false);
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| error.to_string())?;
        Ok(Self { document, validator })
    }

    /// Returns the faults of a response to a request of this method and target.
    #[must_use]
    pub fn faults(&self, method: &str, target: &str, answer: &Response) -> Vec<String> {
        let path = path_of(target);
        let found = self.find(path);
        let faults_of = match &found {
            None if FOR_BROWSERS.contains(&path) && answer.status < 400 => Vec::new(),
            None => self.problem(answer),
            Some((_, methods)) => {
                let name = method.to_lowercase();
                let method_name = if name == "head" { "get" } else { name.as_str() };
                match methods.get(method_name) {
                    Some(operation) => {
                        let template = found.as_ref().map_or(path, |(template, _)| template);
                        self.documented(template, method_name, operation, answer, name == "head")
                    }
                    // The answer to a preflight request (Fetch, "CORS-preflight fetch").
                    None if name == "options" && answer.status == 204 => empty(answer),
                    None => self.problem(answer),
                }
            }
        };
        let shown: String = answer.text().chars().take(MAX_SHOWN).collect();
        faults_of
            .into_iter()
            .map(|fault| {
                format!(
                    "OpenAPI: {method} {path} returned {}: {fault}; body: {shown}",
                    answer.status
                )
            })
            .collect()
    }

    /// Finds the document's path for a target, with its methods. Prefers paths without parameters.
    fn find(&self, path: &str) -> Option<(&str, &Map<String, Value>)> {
        let paths = self.document["paths"].as_object()?;
        let fitting = paths.iter().filter(|(template, _)| fits(template, path));
        let (template, methods) =
            fitting.min_by_key(|(template, _)| template.matches('{').count())?;
        Some((template, methods.as_object()?))
    }

    /// Checks a response of a documented operation.
    fn documented(
        &self,
        path: &str,
        method: &str,
        operation: &Value,
        answer: &Response,
        bodiless: bool,
    ) -> Vec<String> {
        let exact = answer.status.to_string();
        let range = format!("{}XX", answer.status / 100);
        let statuses = [exact.as_str(), range.as_str(), "default"];
        let responses = &operation["responses"];
        let Some(status) = statuses.into_iter().find(|status| responses.get(status).is_some())
        else {
            return vec!["the document does not list this status".to_owned()];
        };
        let response = resolved(&self.document, &responses[status]);
        let Some(contents) = response["content"].as_object().filter(|content| !content.is_empty())
        else {
            return empty(answer);
        };
        let media = media_type(answer);
        if !contents.contains_key(&media) {
            let known: Vec<_> = contents.keys().collect();
            return vec![format!("the media type is `{media}`, not one of {known:?}")];
        }
        if bodiless {
            empty(answer)
        } else {
            self.body(&place(method, path, status, &media), &media, answer)
        }
    }

    /// Checks an error response of an unknown path or method.
    fn problem(&self, answer: &Response) -> Vec<String> {
        if answer.status < 400 {
            return vec!["the document does not list this path or method".to_owned()];
        }
        // The answer to `HEAD` has no body.
        if answer.body.is_empty() {
            return Vec::new();
        }
        match media_type(answer).as_str() {
            PROBLEM => self.body(ANY_PROBLEM, PROBLEM, answer),
            other => vec![format!("the media type is `{other}`, not {PROBLEM}")],
        }
    }

    fn body(&self, place: &str, media: &str, answer: &Response) -> Vec<String> {
        if !media.ends_with("json") {
            let text = std::str::from_utf8(&answer.body);
            return text
                .err()
                .map(|error| vec![format!("the body is not UTF-8: {error}")])
                .unwrap_or_default();
        }
        let body: Value = match serde_json::from_slice(&answer.body) {
            Ok(body) => body,
            Err(error) => return vec![format!("the body is not JSON: {error}")],
        };
        let instance = json!({ place: body });
        let faults = self.validator.iter_errors(&instance);
        let inside = |pointer: &str| pointer.splitn(3, '/').nth(2).unwrap_or_default().to_owned();
        faults
            .map(|fault| format!("/{}: {fault}", inside(fault.instance_path().as_str())))
            .collect()
    }
}

/// Returns the path of a request target, which is a path or a URL (RFC 9112, 3.2).
fn path_of(target: &str) -> &str {
    let without_query = target.split('?').next().unwrap_or_default();
    let authority = without_query.strip_prefix("http://").and_then(|rest| rest.find('/'));
    authority.map_or(without_query, |length| &without_query["http://".len() + length..])
}

/// Returns all operations of a document: path, method, operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let known = METHODS.into_iter().filter_map(|name| Some((name, methods.get(name)?)));
            known.map(|(name, operation)| (path.as_str(), name, operation))
        })
        .collect()
}

/// Resolves a `$ref`. Returns any other value unchanged.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn place(method: &str, path: &str, status: &str, media: &str) -> String {
    format!("{method} {path} {status} {media}")
}

/// Returns whether a path matches a template such as `/api/v1/api-keys/{id}`.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => {}
            (Some(name), Some(part)) if name == part => {}
            _ => return false,
        }
    }
}

fn media_type(answer: &Response) -> String {
    let kind = answer.header("content-type").unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn empty(answer: &Response) -> Vec<String> {
    if answer.body.is_empty() { Vec::new() } else { vec!["the response has a body".to_owned()] }
}

/// Collects the schemas that `allOf` refers to. Their properties are only a part of an object's.
fn collect_composed(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            let parts = fields.get("allOf").and_then(Value::as_array).into_iter().flatten();
            into.extend(parts.filter_map(|part| part["$ref"].as_str()).map(str::to_owned));
            fields.values().for_each(|value| collect_composed(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_composed(value, into)),
        _ => {}
    }
}

/// Rejects unnamed properties in every schema that names properties.
fn close(schema: &mut Value, pointer: &str, composed: &BTreeSet<String>, is_part: bool) {
    match schema {
        Value::Object(fields) => {
            let open = is_part || composed.contains(&format!("#{pointer}"));
            let names = fields.get("properties").is_some_and(Value::is_object)
                || fields.get("allOf").is_some_and(Value::is_array);
            let bounded = fields.contains_key("additionalProperties")
                || fields.contains_key("unevaluatedProperties");
            for (name, value) in fields.iter_mut() {
                let pointer = format!("{pointer}/{name}");
                match value {
                    // A property may have the name of a keyword.
                    Value::Object(schemas) if name == "properties" => {
                        for (name, schema) in schemas {
                            close(schema, &format!("{pointer}/{name}"), composed, false);
                        }
                    }
                    Value::Array(parts) if name == "allOf" => {
                        parts.iter_mut().for_each(|part| close(part, "", composed, true));
                    }
                    Value::Object(_) | Value::Array(_)
                        if !["example", "examples", "enum", "const", "default"]
                            .contains(&name.as_str()) =>
                    {
                        close(value, &pointer, composed, false);
                    }
                    _ => {}
                }
            }
            if names && !open && !bounded {
                fields.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| close(value, "", composed, false));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> ApiDocument {
        let json =
            |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
        let problem = json!({ "content": { PROBLEM: { "schema": { "$ref": "#/components/schemas/Problem" } } } });
        let session = json(json!({ "$ref": "#/components/schemas/Session" }));
        let key = json(json!({ "$ref": "#/components/schemas/CreatedKey" }));
        let document = json!({
            "paths": {
                "/sessions": { "post": { "responses": { "200": session, "400": { "$ref": "#/components/responses/Refused" } } } },
                "/keys/{id}": {
                    "get": { "responses": { "200": key, "4XX": problem } },
                    "delete": { "responses": { "204": {} } },
                },
                "/keys/first": { "get": { "responses": { "200": session } } },
                "/page": { "get": { "responses": { "200": { "content": { "text/html": {} } } } } },
            },
            "components": {
                "responses": { "Refused": problem },
                "schemas": {
                    "Problem": {
                        "type": "object",
                        "required": ["code"],
                        "properties": { "code": { "type": "string" } },
                    },
                    "Session": {
                        "type": "object",
                        "required": ["url"],
                        "properties": {
                            "url": { "type": "string", "format": "uri" },
                            "plan": { "type": ["object", "null"], "properties": { "id": { "type": "string" } } },
                        },
                    },
                    "Key": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
                    "CreatedKey": {
                        "allOf": [
                            { "$ref": "#/components/schemas/Key" },
                            { "type": "object", "properties": { "secret": { "type": "string" } } },
                        ],
                    },
                },
            },
        });
        ApiDocument::new(document).unwrap()
    }

    fn answer(status: u16, media: &str, body: &str) -> Response {
        let headers = vec![("content-type".to_owned(), media.to_owned())];
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    fn faults_of(method: &str, target: &str, answer: &Response) -> Vec<String> {
        document().faults(method, target, answer)
    }

    #[track_caller]
    fn fits_document(method: &str, target: &str, answer: &Response) {
        assert_eq!(faults_of(method, target, answer), Vec::<String>::new());
    }

    #[track_caller]
    fn has_fault(method: &str, target: &str, answer: &Response, word: &str) {
        let faults = faults_of(method, target, answer);
        assert!(faults.len() == 1 && faults[0].contains(word), "{faults:?}");
    }

    #[test]
    fn documented_responses_have_no_fault() {
        let session = r#"{"url":"https://a.example/","plan":{"id":"x"}}"#;
        fits_document("POST", "/sessions", &answer(200, "application/json", session));
        fits_document(
            "POST",
            "/sessions?a=b",
            &answer(400, "application/problem+json", r#"{"code":"x"}"#),
        );
        fits_document(
            "GET",
            "/keys/1",
            &answer(200, "application/json; charset=utf-8", r#"{"id":"1","secret":"s"}"#),
        );
        fits_document("GET", "/keys/1", &answer(418, PROBLEM, r#"{"code":"x"}"#));
        fits_document("GET", "/keys/first", &answer(200, "application/json", session));
        fits_document("GET", "http://h:1/keys/first?a", &answer(200, "application/json", session));
        fits_document("GET", "/page", &answer(200, "text/html", "<p>"));
        fits_document("HEAD", "/page", &answer(200, "text/html", ""));
        fits_document("DELETE", "/keys/1", &answer(204, "", ""));
        fits_document("OPTIONS", "/keys/1", &answer(204, "", ""));
    }

    #[test]
    fn unknown_status_media_type_and_body_are_faults() {
        let session = r#"{"url":"https://a.example/"}"#;
        has_fault("POST", "/sessions", &answer(201, "application/json", session), "status");
        has_fault("POST", "/sessions", &answer(200, "text/plain", session), "media type");
        has_fault("POST", "/sessions", &answer(200, "application/json", "{"), "not JSON");
        has_fault("DELETE", "/keys/1", &answer(204, "", "x"), "body");
        has_fault("HEAD", "/page", &answer(200, "text/html", "<p>"), "body");
    }

    #[test]
    fn body_that_violates_its_schema_is_a_fault() {
        for (body, word) in [
            (r#"{}"#, "url"),
            (r#"{"url":1}"#, "/url"),
            (r#"{"url":"no uri"}"#, "uri"),
            (r#"{"url":"https://a.example/","more":1}"#, "more"),
            (r#"{"url":"https://a.example/","plan":{"more":1}}"#, "more"),
        ] {
            has_fault("POST", "/sessions", &answer(200, "application/json", body), word);
        }
        has_fault(
            "GET",
            "/keys/1",
            &answer(200, "application/json", r#"{"id":"1","more":1}"#),
            "more",
        );
        has_fault("POST", "/sessions", &answer(400, PROBLEM, r#"{"code":1}"#), "/code");
    }

    #[test]
    fn undocumented_path_or_method_may_only_return_an_error() {
        let problem = answer(404, PROBLEM, r#"{"code":"not_found"}"#);
        fits_document("GET", "/keys/1/2", &problem);
        fits_document("PUT", "/keys/1", &answer(405, PROBLEM, r#"{"code":"method_not_allowed"}"#));
        has_fault("GET", "/other", &answer(200, "application/json", "{}"), "path or method");
        has_fault("PUT", "/keys/1", &answer(200, "application/json", "{}"), "path or method");
        has_fault("GET", "/other", &answer(404, "text/plain", "x"), "media type");
        has_fault("GET", "/other", &answer(404, PROBLEM, "{}"), "code");
    }

    #[test]
    fn responses_are_checked_while_their_listener_is_watched() {
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let rejected = || {
            let answer = answer(200, "application/json", "{}");
            std::panic::catch_unwind(|| check(address, "GET", "/no/such/path", &answer)).is_err()
        };
        assert!(!rejected());
        let watched = watch(address);
        assert!(rejected());
        drop(watched);
        assert!(!rejected());
    }
}
