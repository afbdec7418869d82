//! Validates answers and requests against the published schema, with one compiled schema.

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::form;
use super::newer::{KEYWORD, Newer, Used};
use super::subset::Subset;
use super::translate::Translator;
use crate::exchanges::Exchange;

/// Prefix of the `User-Agent` of `provider-stripe`.
const PROVIDER: &str = "billing-portal/";

/// Maximum number of characters of a value in a fault.
const MAX_SHOWN: usize = 200;

/// Validates exchanges against the published schema.
#[derive(Debug)]
pub struct SchemaValidator {
    subset: Subset,
    validator: Validator,
    newer: Newer,
    needed: Used,
}

impl SchemaValidator {
    /// Compiles the schema.
    ///
    /// # Errors
    /// When the schema has an unknown keyword, or an entry of the newer list does not match it.
    pub fn new(subset: Subset, newer: Newer) -> Result<Self, String> {
        let mut components = subset.components().clone();
        newer.add_to(&mut components)?;
        let translator = Translator::new(&components);
        let mut places = Map::new();
        for (method, path) in subset.operations() {
            let named = |error| format!("{method} {path}: {error}");
            let lacks = |what: &str| format!("{method} {path}: the schema has no {what}");
            let answer = subset.answer(&method, &path, "200").ok_or_else(|| lacks("answers"))?;
            let error = subset.answer(&method, &path, "default").ok_or_else(|| lacks("errors"))?;
            let parameters =
                subset.parameters(&method, &path).ok_or_else(|| lacks("parameters"))?;
            places.insert(answer_place(&method, &path), translator.schema(answer).map_err(named)?);
            places.insert(error_place(&method, &path), translator.schema(error).map_err(named)?);
            places.insert(
                request_place(&method, &path),
                translator.schema(&parameters).map_err(named)?,
            );
        }
        places.insert(ANY_ERROR.to_owned(), json!({ "$ref": "#/components/schemas/error" }));
        // One combined schema: shared components are compiled once.
        let schema = json!({
            "properties": places,
            "additionalProperties": false,
            "components": { "schemas": translator.components()? },
        });
        let needed = Used::default();
        let notes = needed.clone();
        let validator = jsonschema::options()
            .with_keyword(KEYWORD, move |_: &Map<String, Value>, mark: &Value, _| {
                Ok(notes.keyword(mark))
            })
            .build(&schema)
            .map_err(|error| error.to_string())?;
        Ok(Self { subset, validator, newer, needed })
    }

    /// Returns the faults of an exchange's answer.
    #[must_use]
    pub fn answer_faults(&self, exchange: &Exchange) -> Vec<String> {
        let Some(answer) = exchange.answer.as_deref().filter(|_| exchange.method != "HEAD") else {
            return Vec::new();
        };
        let Ok(answer) = serde_json::from_str(answer) else {
            return vec![format!("not JSON: {}", shown(answer))];
        };
        let place = match (&exchange.operation, exchange.status) {
            (Some(path), 200) => answer_place(&exchange.method, path),
            (Some(path), 400..) if self.knows(&exchange.method, path) => {
                error_place(&exchange.method, path)
            }
            (_, 400..) => ANY_ERROR.to_owned(),
            (_, status) => return vec![format!("the schema has no status {status} here")],
        };
        self.faults(place, answer)
    }

    /// Returns the faults of an exchange's request.
    #[must_use]
    pub fn request_faults(&self, exchange: &Exchange) -> Vec<String> {
        let path = exchange.operation.as_deref().unwrap_or_default();
        let Some(schema) = self.subset.parameters(&exchange.method, path) else {
            return vec!["the schema has no such operation".to_owned()];
        };
        let sent = [exchange.query.as_str(), exchange.request.as_str()].join("&");
        match form::decode(sent.trim_matches('&'), &schema) {
            Ok(request) => self.faults(request_place(&exchange.method, path), request),
            Err(error) => vec![error],
        }
    }

    /// Returns whether `provider-stripe` sent the request.
    #[must_use]
    pub fn is_of_provider(exchange: &Exchange) -> bool {
        exchange.user_agent.as_deref().is_some_and(|agent| agent.starts_with(PROVIDER))
    }

    /// Returns the entries of the newer list that no answer has used so far.
    #[must_use]
    pub fn unused_entries(&self) -> Vec<String> {
        let needed = self.needed.names();
        self.newer.names().filter(|name| !needed.contains(name)).collect()
    }

    fn knows(&self, method: &str, path: &str) -> bool {
        self.subset.form(method, path).is_some()
    }

    fn faults(&self, place: String, value: Value) -> Vec<String> {
        let value = Value::Object(Map::from_iter([(place, value)]));
        self.validator.iter_errors(&value).map(|error| describe(&error)).collect()
    }
}

/// Schema key of errors that belong to no operation.
const ANY_ERROR: &str = "error";

fn answer_place(method: &str, path: &str) -> String {
    format!("200 {method} {path}")
}

fn error_place(method: &str, path: &str) -> String {
    format!("error {method} {path}")
}

fn request_place(method: &str, path: &str) -> String {
    format!("request {method} {path}")
}

fn describe(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    // The first part of the path is the schema key.
    let pointer =
        path.get(1..).and_then(|path| path.find('/').map(|at| &path[at..])).unwrap_or("/");
    format!("{pointer}: {}", shown(&error.to_string()))
}

fn shown(text: &str) -> String {
    if text.chars().count() > MAX_SHOWN {
        text.chars().take(MAX_SHOWN).chain("…".chars()).collect()
    } else {
        text.to_owned()
    }
}
