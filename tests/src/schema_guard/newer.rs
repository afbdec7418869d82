//! Properties and values of the sandbox that are newer than the published schema, listed in
//! `data/stripe/newer-than-schema.toml`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jsonschema::{Keyword, ValidationError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Our own keyword, which marks a schema as newer. It records that an answer used the entry.
pub(super) const KEYWORD: &str = "x-newer";

/// The list of newer properties and values.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newer {
    #[serde(default)]
    newer: Vec<Entry>,
}

/// A property that the schema lacks, or a value that a property's enum lacks.
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

/// The names of the entries that answers have used so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Used(Arc<Mutex<BTreeSet<String>>>);

/// The keyword at one location of a schema.
struct Mark {
    entry: String,
    /// The newer value; `None` if the whole property is newer.
    value: Option<Value>,
    needed: Used,
}

impl Newer {
    /// Reads the file.
    ///
    /// # Panics
    /// When the file is malformed.
    #[must_use]
    pub fn read() -> Self {
        Self::parse(include_str!("../../data/stripe/newer-than-schema.toml"))
    }

    /// Parses a list.
    ///
    /// # Panics
    /// When the list is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        toml::from_str(text).expect("the newer list is well-formed")
    }

    /// Returns the names of all entries.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.newer.iter().map(Entry::name)
    }

    /// Adds all entries to the schemas.
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
        format!("newer-than-schema.toml has {name}: the schema has it already, or lacks its parent")
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

impl Used {
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.0.lock().expect("the lock is not poisoned").clone()
    }

    /// Creates the keyword for a schema that has it.
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
            Err(ValidationError::custom("the value is not the newer one"))
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let fits = self.value.as_ref().is_none_or(|value| value == instance);
        if fits {
            self.needed.0.lock().expect("the lock is not poisoned").insert(self.entry.clone());
        }
        fits
    }
}
