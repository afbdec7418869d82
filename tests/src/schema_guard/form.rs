//! Decodes a form such as `a[b][0]=1` to JSON, by the types of a request schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::stripe_form::{self, Param};

/// Decodes a form by a schema. Values of the wrong type stay strings, which the validator rejects.
pub(super) fn decode(form: &str, schema: &Value) -> Result<Value, String> {
    let tree = stripe_form::tree(&stripe_form::fields(form.as_bytes()))
        .map_err(|name| format!("`{name}` is malformed or repeated"))?;
    Ok(object(&tree, schema))
}

fn object(tree: &BTreeMap<String, Param>, schema: &Value) -> Value {
    let fields = tree.iter().map(|(name, param)| {
        let properties = &schema["properties"];
        let inner = properties.get(name).unwrap_or(&schema["additionalProperties"]);
        (name.clone(), value(param, inner))
    });
    Value::Object(fields.collect())
}

fn value(param: &Param, schema: &Value) -> Value {
    let branches = schema["anyOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice);
    match param {
        Param::Text(text) => branches
            .iter()
            .find_map(|branch| scalar(text, branch))
            .unwrap_or_else(|| text.as_str().into()),
        Param::Map(tree) => {
            let elements = list(tree);
            let of_type = |name: &str| branches.iter().find(|branch| branch["type"] == name);
            match (elements, of_type("array"), of_type("object")) {
                (Some(elements), Some(schema), _) => {
                    elements.into_iter().map(|element| value(element, &schema["items"])).collect()
                }
                (_, _, Some(schema)) => object(tree, schema),
                _ => object(tree, &Value::Object(Map::new())),
            }
        }
    }
}

/// Parses the text as a value of the schema's type.
fn scalar(text: &str, schema: &Value) -> Option<Value> {
    if schema["enum"].as_array().is_some_and(|values| !values.iter().any(|value| value == text)) {
        return None;
    }
    match schema["type"].as_str()? {
        "string" => Some(text.into()),
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        "integer" => text.parse::<i64>().ok().map(Value::from),
        "number" => text.parse::<f64>().ok().map(Value::from),
        _ => None,
    }
}

/// Returns the elements if the names are 0, 1, 2, …
fn list(tree: &BTreeMap<String, Param>) -> Option<Vec<&Param>> {
    (0..tree.len()).map(|at| tree.get(&at.to_string())).collect()
}
