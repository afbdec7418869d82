//! Translates Stripe's dialect of OpenAPI 3.0 to JSON Schema without additional properties.
//!
//! An unknown keyword is an error.

use serde_json::{Map, Value, json};

use super::newer;

/// The last second of the year 9999. Larger values are not times in seconds.
const LAST_SECOND: i64 = 253_402_300_799;

/// The schema of an event's object. Stripe's own schema allows any object.
const EVENT_DATA: &str = "notification_event_data";

/// Translates schemas that may refer to these components.
#[derive(Clone, Copy, Debug)]
pub(super) struct Translator<'a> {
    components: &'a Map<String, Value>,
}

/// The property that selects an alternative.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A deleted object with this name.
    Deleted(String),
    /// An object whose `object` field is this name.
    Named(String),
    /// A value of this type.
    Typed(String),
}

impl<'a> Translator<'a> {
    pub(super) const fn new(components: &'a Map<String, Value>) -> Self {
        Self { components }
    }

    /// Translates all components.
    pub(super) fn components(&self) -> Result<Map<String, Value>, String> {
        let mut translated = Map::new();
        for (name, schema) in self.components {
            let mut schema = self.schema(schema).map_err(|error| format!("{name}: {error}"))?;
            if name == EVENT_DATA {
                schema["properties"]["object"] = self.choice(&self.resources())?;
            }
            translated.insert(name.clone(), schema);
        }
        Ok(translated)
    }

    /// Translates one schema.
    pub(super) fn schema(&self, schema: &Value) -> Result<Value, String> {
        let fields = schema.as_object().ok_or_else(|| format!("{schema} is not a schema"))?;
        let mut translated = Map::new();
        let mut further = Vec::new();
        for (keyword, value) in fields {
            match (keyword.as_str(), value) {
                // These keywords do not restrict values. `nullable` is handled below.
                ("title" | "deprecated" | "nullable", _) => {}
                (
                    "$ref"
                    | "type"
                    | "enum"
                    | "required"
                    | "maxLength"
                    | "pattern"
                    | newer::KEYWORD,
                    _,
                )
                | ("additionalProperties", Value::Bool(_)) => {
                    translated.insert(keyword.clone(), value.clone());
                }
                ("items" | "additionalProperties", _) => {
                    translated.insert(keyword.clone(), self.schema(value)?);
                }
                ("properties", Value::Object(properties)) => {
                    let mut inner = Map::new();
                    for (name, schema) in properties {
                        let schema =
                            self.schema(schema).map_err(|error| format!("{name}: {error}"))?;
                        inner.insert(name.clone(), schema);
                    }
                    translated.insert(keyword.clone(), inner.into());
                }
                ("anyOf", Value::Array(branches)) => further.push(self.choice(branches)?),
                ("format", Value::String(format)) => further.push(of_format(format)?),
                _ => return Err(format!("unknown keyword `{keyword}`: {value}")),
            }
        }
        if translated.contains_key("properties") && !translated.contains_key("additionalProperties")
        {
            translated.insert("additionalProperties".to_owned(), false.into());
        }
        let translated: Value = if further.is_empty() {
            translated.into()
        } else {
            further.push(translated.into());
            json!({ "allOf": further })
        };
        let nullable = fields.get("nullable") == Some(&Value::Bool(true));
        Ok(if nullable {
            json!({ "if": { "type": "null" }, "else": translated })
        } else {
            translated
        })
    }

    /// Translates alternatives. The value's kind selects one, so that a fault names the exact place
    /// instead of "no alternative matches".
    fn choice(&self, branches: &[Value]) -> Result<Value, String> {
        if let [only] = branches {
            return self.schema(only);
        }
        let mut groups: Vec<(Kind, Vec<Value>)> = Vec::new();
        for branch in branches {
            let (kind, schema) = (self.kind(branch)?, self.schema(branch)?);
            match groups.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, group)) => group.push(schema),
                None => groups.push((kind, vec![schema])),
            }
        }
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        let chain = groups.into_iter().rev().fold(json!(false), |otherwise, (kind, mut group)| {
            let then = if group.len() == 1 { group.remove(0) } else { json!({ "anyOf": group }) };
            json!({ "if": kind.condition(), "then": then, "else": otherwise })
        });
        Ok(chain)
    }

    fn kind(&self, branch: &Value) -> Result<Kind, String> {
        let schema = match branch["$ref"].as_str() {
            Some(reference) => self.component(reference)?,
            None => branch,
        };
        let kind = schema["type"]
            .as_str()
            .ok_or_else(|| format!("an alternative has no type: {branch}"))?;
        Ok(match schema["properties"]["object"]["enum"].as_array().map(Vec::as_slice) {
            Some([Value::String(name)])
                if schema["properties"]["deleted"]["enum"] == json!([true]) =>
            {
                Kind::Deleted(name.clone())
            }
            Some([Value::String(name)]) => Kind::Named(name.clone()),
            _ => Kind::Typed(kind.to_owned()),
        })
    }

    fn component(&self, reference: &str) -> Result<&'a Value, String> {
        let name = reference.strip_prefix("#/components/schemas/");
        name.and_then(|name| self.components.get(name))
            .ok_or_else(|| format!("{reference} does not exist"))
    }

    /// Returns references to the schemas of all named objects.
    fn resources(&self) -> Vec<Value> {
        let named = self
            .components
            .iter()
            .filter(|(name, schema)| schema["properties"]["object"]["enum"] == json!([name]));
        named.map(|(name, _)| json!({ "$ref": format!("#/components/schemas/{name}") })).collect()
    }
}

impl Kind {
    fn condition(&self) -> Value {
        match self {
            Self::Deleted(name) => json!({
                "type": "object",
                "properties": { "object": { "const": name }, "deleted": { "const": true } },
                "required": ["object", "deleted"],
            }),
            Self::Named(name) => {
                json!({ "type": "object", "properties": { "object": { "const": name } }, "required": ["object"] })
            }
            Self::Typed(kind) => json!({ "type": kind }),
        }
    }
}

fn of_format(format: &str) -> Result<Value, String> {
    match format {
        "unix-time" => Ok(json!({ "type": "integer", "minimum": 0, "maximum": LAST_SECOND })),
        "currency" => Ok(json!({ "pattern": "^[a-z]{3}$" })),
        "decimal" => Ok(json!({ "pattern": "^-?[0-9]+(\\.[0-9]+)?$" })),
        _ => Err(format!("unknown format `{format}`")),
    }
}
