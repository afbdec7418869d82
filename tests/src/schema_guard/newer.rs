//! What the sandbox answers beyond the published schema: `data/stripe/newer-than-schema.toml`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jsonschema::{Keyword, ValidationError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The keyword, of our own, that marks a schema as newer: it notes that an answer needed it.
pub(super) const KEYWORD: &str = "x-newer";

/// The list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newer {
    #[serde(default)]
    newer: Vec<Entry>,
}

/// A property that a schema has not yet, or a value that a property's enum has not yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    schema: String,
    property: String,
    value: Option<String>,
    is: Option<Value>,
    #[expect(dead_code, reason = "for readers")]
    since: String,
    #[expect(dead_code, reason = "for readers")]
    source: String,
}

/// Which entries were needed so far, by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Needed(Arc<Mutex<BTreeSet<String>>>);

/// The keyword at one place of a schema.
struct Mark {
    entry: String,
    /// The value that is newer; none where any value is, because the property is.
    value: Option<Value>,
    needed: Needed,
}

impl Newer {
    /// Reads the file.
    ///
    /// # Panics
    /// When it is malformed.
    #[must_use]
    pub fn read() -> Self {
        Self::parse(include_str!("../../data/stripe/newer-than-schema.toml"))
    }

    /// Reads a list in the same form.
    ///
    /// # Panics
    /// When it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        toml::from_str(text).expect("the list of what is newer is well-formed")
    }

    /// The names of all entries.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.newer.iter().map(Entry::name)
    }

    /// Adds everything to the schemas.
    pub(super) fn add_to(&self, components: &mut Map<String, Value>) -> Result<(), String> {
        self.newer
            .iter()
            .try_for_each(|entry| entry.add_to(components).ok_or_else(|| entry.misplaced()))
    }
}

impl Entry {
    fn name(&self) -> String {
        let value = self.value.as_ref().map(|value| format!(" = {value}"));
        format!("{}.{}{}", self.schema, self.property, value.unwrap_or_default())
    }

    fn misplaced(&self) -> String {
        let name = self.name();
        format!(
            "newer-than-schema.toml has {name}, which the schema knows, or where the schema has no such place"
        )
    }

    fn add_to(&self, components: &mut Map<String, Value>) -> Option<()> {
        let properties =
            components.get_mut(&self.schema)?.get_mut("properties")?.as_object_mut()?;
        let mark = json!({ "entry": self.name(), "value": self.value });
        match (&self.value, properties.get_mut(&self.property)) {
            (None, None) => {
                let mut schema = self.is.clone()?;
                schema.as_object_mut()?.insert(KEYWORD.to_owned(), mark);
                properties.insert(self.property.clone(), schema);
            }
            (Some(value), Some(known)) if self.is.is_none() => {
                let values = known["enum"].as_array()?;
                if values.iter().any(|other| other == value) {
                    return None;
                }
                *known = json!({ "anyOf": [known, { "type": known["type"], KEYWORD: mark }] });
            }
            _ => return None,
        }
        Some(())
    }
}

impl Needed {
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.0.lock().expect("nobody panics with the lock").clone()
    }

    /// The keyword, as the validator makes it where a schema has it.
    pub(super) fn keyword(&self, mark: &Value) -> Box<dyn for<'i> Keyword<'i>> {
        let value = Some(mark["value"].clone()).filter(|value| !value.is_null());
        let entry = mark["entry"].as_str().unwrap_or_default().to_owned();
        Box::new(Mark { entry, value, needed: self.clone() })
    }
}

impl<'i> Keyword<'i> for Mark {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            Ok(())
        } else {
            Err(ValidationError::custom("it is no newer value"))
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let fits = self.value.as_ref().is_none_or(|value| value == instance);
        if fits {
            self.needed.0.lock().expect("nobody panics with the lock").insert(self.entry.clone());
        }
        fits
    }
}
