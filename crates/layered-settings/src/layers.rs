//! [`Layers`]: the sources of settings: flags, environment and file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::{Faults, SettingNames, kubernetes};

/// One layer: values by setting name (upper case, without the prefix). Names may end in `_FILE`.
type Layer = BTreeMap<String, String>;

/// All layers, highest precedence first.
pub struct Layers {
    names: SettingNames,
    layers: [Layer; 3],
    ignored: Vec<String>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secret; names are not.
        f.debug_list()
            .entries(self.layers.iter().map(|layer| layer.keys().collect::<Vec<_>>()))
            .finish()
    }
}

impl Layers {
    /// Collects flags, environment and file. Unknown names are faults.
    pub fn gather(
        names: SettingNames,
        flags: &[(&'static str, Option<String>)],
        environment: impl Iterator<Item = (String, String)>,
        file: Option<&Path>,
        faults: &mut Faults,
    ) -> Self {
        let given =
            flags.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));

        let mut ignored = Vec::new();
        let mut variables = Layer::new();
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix(names.prefix) else {
                continue;
            };
            if names.contains(name) {
                variables.insert(name.to_owned(), value);
            } else if kubernetes::is_injected(name) {
                ignored.push(format!(
                    "{variable} is ignored: it looks injected by Kubernetes for a Service"
                ));
            } else {
                faults.add(
                    variable.as_str(),
                    "unknown setting; remove the variable or correct its name",
                );
            }
        }

        let file = file.map(|path| read_file(&names, path, faults)).unwrap_or_default();
        Self { names, layers: [given.collect(), variables, file], ignored }
    }

    /// Returns warnings about ignored variables, for the log.
    pub(crate) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Returns the variable's full name.
    pub(crate) fn variable(&self, name: &str) -> String {
        format!("{}{name}", self.names.prefix)
    }

    /// Returns whether any layer has the setting or its `_FILE` form.
    pub(crate) fn has(&self, name: &str) -> bool {
        let from_file = format!("{name}_FILE");
        self.layers.iter().any(|layer| layer.contains_key(name) || layer.contains_key(&from_file))
    }

    /// Returns the value of the first layer that has one. Secrets may come from a file; one
    /// trailing newline is removed.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, String> {
        let prefix = self.names.prefix;
        let from_file = format!("{name}_FILE");
        for layer in &self.layers {
            let value = match (layer.get(name), layer.get(&from_file)) {
                (Some(_), Some(_)) => {
                    return Err(format!(
                        "{prefix}{name} and {prefix}{from_file} are both set; keep one"
                    ));
                }
                (Some(value), None) => value.clone(),
                (None, Some(path)) => {
                    let text = std::fs::read_to_string(path).map_err(|error| {
                        format!("cannot read the file in {prefix}{from_file}: {error}")
                    })?;
                    let trimmed =
                        text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                    trimmed.unwrap_or(&text).to_owned()
                }
                (None, None) => continue,
            };
            return if value.is_empty() {
                Err("it is set but empty; set a value or remove it".to_owned())
            } else {
                Ok(Some(value))
            };
        }
        Ok(None)
    }
}

/// Reads the file. Keys are the variables without the prefix, in lower case. A list becomes a
/// comma-separated text.
fn read_file(names: &SettingNames, path: &Path, faults: &mut Faults) -> Layer {
    let parsed = std::fs::read_to_string(path)
        .map_err(|error| error.to_string())
        .and_then(|text| text.parse::<toml::Table>().map_err(|error| error.message().to_owned()));
    let table = match parsed {
        Ok(table) => table,
        Err(error) => {
            faults.add("--config", format!("cannot read the file {}: {error}", path.display()));
            return Layer::new();
        }
    };

    let mut layer = Layer::new();
    for (key, value) in table {
        let name = key.to_ascii_uppercase();
        if key != key.to_ascii_lowercase() || !names.contains(&name) {
            faults.add(
                format!("{}{name}", names.prefix),
                format!("unknown key `{key}` in the file; remove or correct it"),
            );
        } else if let Some(text) = to_text(&value) {
            layer.insert(name, text);
        } else {
            faults.add(
                format!("{}{name}", names.prefix),
                "its value in the file is not a string, integer, boolean or list of strings",
            );
        }
    }
    layer
}

fn to_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(value) => Some(value.to_string()),
        toml::Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(environment: &[(&str, &str)]) -> (Layers, String) {
        let mut faults = Faults::default();
        let pairs =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let layers = Layers::gather(
            SettingNames {
                prefix: "BILLING_",
                names: vec!["LISTEN", "LOG", "DATABASE_URL"],
                secrets: vec!["DATABASE_URL"],
            },
            &[("LISTEN", None)],
            pairs,
            None,
            &mut faults,
        );
        (layers, if faults.is_empty() { String::new() } else { faults.to_string() })
    }

    #[test]
    fn s1_an_unknown_name_is_a_fault_and_an_injected_one_a_warning() {
        let (layers, faults) =
            gather(&[("BILLING_LISTENN", "x"), ("BILLING_PORTAL_SERVICE_HOST", "10.0.0.1")]);
        assert!(faults.contains("BILLING_LISTENN"), "{faults}");
        assert!(!faults.contains("SERVICE_HOST"), "{faults}");
        assert_eq!(layers.ignored().len(), 1);
    }

    #[test]
    fn s1_only_secrets_may_come_from_files() {
        assert!(gather(&[("BILLING_LISTEN_FILE", "/x")]).1.contains("BILLING_LISTEN_FILE"));
        assert_eq!(gather(&[("BILLING_DATABASE_URL_FILE", "/x")]).1, "");
    }

    #[test]
    fn s1_one_trailing_newline_of_a_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        std::fs::write(&path, "sqlite://x\n\n").unwrap();
        let (layers, _) = gather(&[("BILLING_DATABASE_URL_FILE", path.to_str().unwrap())]);
        assert_eq!(layers.get("DATABASE_URL").unwrap().unwrap(), "sqlite://x\n");
    }

    #[test]
    fn s1_two_sources_in_one_layer_or_an_empty_value_are_errors() {
        let (layers, _) = gather(&[
            ("BILLING_DATABASE_URL", "a"),
            ("BILLING_DATABASE_URL_FILE", "/x"),
            ("BILLING_LOG", ""),
        ]);
        assert!(layers.get("DATABASE_URL").unwrap_err().contains("both"));
        assert!(layers.get("LOG").unwrap_err().contains("empty"));
    }
}
