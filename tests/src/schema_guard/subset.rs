//! The part of Stripe's published schema that the repository keeps:
//! `data/stripe/openapi-subset.json`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Operations: method in capitals, and path.
pub type Operations = BTreeSet<(String, String)>;

/// The subset, parsed.
#[derive(Clone, Debug)]
pub struct Subset {
    document: Value,
}

impl Subset {
    /// Reads the file.
    ///
    /// # Panics
    /// When the file is malformed.
    #[must_use]
    pub fn read() -> Self {
        let text = include_str!("../../data/stripe/openapi-subset.json");
        Self { document: serde_json::from_str(text).expect("the schema subset is JSON") }
    }

    /// Returns the schema's version of Stripe's API.
    #[must_use]
    pub fn version(&self) -> &str {
        self.document["info"]["version"].as_str().unwrap_or_default()
    }

    /// Returns the operations: method in capitals, and path.
    #[must_use]
    pub fn operations(&self) -> Operations {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(|(method, _)| (method.to_uppercase(), path.clone()))
        });
        operations.collect()
    }

    /// Returns the referenced schemas, by name.
    ///
    /// # Panics
    /// When the subset has none.
    #[must_use]
    pub fn components(&self) -> &Map<String, Value> {
        self.document["components"]["schemas"].as_object().expect("the subset has schemas")
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        self.document["paths"].get(path)?.get(method.to_lowercase())
    }

    /// Returns the schema of an operation's JSON answer: status `200`, or `default` for errors.
    #[must_use]
    pub fn answer(&self, method: &str, path: &str, status: &str) -> Option<&Value> {
        self.operation(method, path)?
            .pointer(&format!("/responses/{status}/content/application~1json/schema"))
    }

    /// Returns the schema of an operation's form body.
    #[must_use]
    pub fn form(&self, method: &str, path: &str) -> Option<&Value> {
        self.operation(method, path)?
            .pointer("/requestBody/content/application~1x-www-form-urlencoded/schema")
    }

    /// Returns the schema of an operation's query parameters or form body.
    #[must_use]
    pub fn parameters(&self, method: &str, path: &str) -> Option<Value> {
        let mut whole = self.form(method, path)?.clone();
        let mut required = whole["required"].as_array().cloned().unwrap_or_default();
        let of_query = self.operation(method, path)?["parameters"].as_array().into_iter().flatten();
        for parameter in of_query.filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str()?;
            whole["properties"][name] = parameter["schema"].clone();
            if parameter["required"] == true {
                required.push(json!(name));
            }
        }
        whole["required"] = required.into();
        Some(whole)
    }
}
