//! Stripe's dialect of OpenAPI 3.0 in the words of JSON Schema, closed against what it does not know.
//!
//! Every keyword is either understood here or an error: none is passed over in silence.

use serde_json::{Map, Value, json};

use super::newer;

/// The last second of the year 9999; what lies beyond is no time in seconds.
const LAST_SECOND: i64 = 253_402_300_799;

/// The schema in which event objects stand: Stripe's says nothing but that they are objects.
const EVENT_DATA: &str = "notification_event_data";

/// Translates schemas that may refer to these components.
#[derive(Clone, Copy, Debug)]
pub(super) struct Translator<'a> {
    components: &'a Map<String, Value>,
}

/// By what one alternative is told from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It is what is left of a deleted object of this name.
    Deleted(String),
    /// It is an object whose `object` is this name.
    Named(String),
    /// It is of this type.
    Typed(String),
}

impl<'a> Translator<'a> {
    pub(super) const fn new(components: &'a Map<String, Value>) -> Self {
        Self { components }
    }

    /// All components, translated.
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

    /// One schema.
    pub(super) fn schema(&self, schema: &Value) -> Result<Value, String> {
        let fields = schema.as_object().ok_or_else(|| format!("{schema} is no schema"))?;
        let mut translated = Map::new();
        let mut further = Vec::new();
        for (keyword, value) in fields {
            match (keyword.as_str(), value) {
                // These say nothing about values. `nullable` is treated below.
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
                _ => return Err(format!("nobody holds values against `{keyword}`: {value}")),
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

    /// One of these. The value's kind decides which: so a fault is told as what it is, not as "none of these".
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
            .ok_or_else(|| format!("an alternative without a type: {branch}"))?;
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
            .ok_or_else(|| format!("{reference} is not there"))
    }

    /// References to all schemas of objects that have a name of their own.
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
        _ => Err(format!("nobody holds values against the format `{format}`")),
    }
}
