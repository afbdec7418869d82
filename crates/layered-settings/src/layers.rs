//! [`Layers`]: where settings come from, before anybody asks for one.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::{Catalogue, Faults, kubernetes};

/// One layer: setting (without the prefix, upper case) to value. Names may end in `_FILE`.
type Layer = BTreeMap<String, String>;

/// All layers, the one that wins first.
pub struct Layers {
    catalogue: Catalogue,
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
    /// Gathers flags, the given environment and the file; unknown names are faults.
    pub fn gather(
        catalogue: Catalogue,
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
            let Some(name) = variable.strip_prefix(catalogue.prefix) else {
                continue;
            };
            if catalogue.knows(name) {
                variables.insert(name.to_owned(), value);
            } else if kubernetes::is_injected(name) {
                ignored.push(format!(
                    "{variable} is ignored: it looks injected by Kubernetes for a Service"
                ));
            } else {
                faults.add(
                    variable.as_str(),
                    "there is no such setting; remove the variable or correct its name",
                );
            }
        }
        let file = file.map(|path| read_file(&catalogue, path, faults)).unwrap_or_default();
        Self { catalogue, layers: [given.collect(), variables, file], ignored }
    }

    /// Warnings about variables that were ignored, for the log.
    pub(crate) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The variable's full name.
    pub(crate) fn variable(&self, name: &str) -> String {
        format!("{}{name}", self.catalogue.prefix)
    }

    /// Whether a setting has a value anywhere, itself or as `_FILE`.
    pub(crate) fn has(&self, name: &str) -> bool {
        let from_file = format!("{name}_FILE");
        self.layers.iter().any(|layer| layer.contains_key(name) || layer.contains_key(&from_file))
    }

    /// The value of the first layer that has one. For secrets a file may stand in; one trailing newline of it is cut.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, String> {
        let (prefix, from_file) = (self.catalogue.prefix, format!("{name}_FILE"));
        for layer in &self.layers {
            let value = match (layer.get(name), layer.get(&from_file)) {
                (Some(_), Some(_)) => {
                    return Err(format!("both it and {prefix}{from_file} are set; keep one"));
                }
                (Some(value), None) => value.clone(),
                (None, Some(path)) => {
                    let text = std::fs::read_to_string(path).map_err(|error| {
                        format!("the file that {prefix}{from_file} names cannot be read: {error}")
                    })?;
                    let cut =
                        text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                    cut.unwrap_or(&text).to_owned()
                }
                (None, None) => continue,
            };
            return if value.is_empty() {
                Err("it is set but empty; give it a value or remove it".to_owned())
            } else {
                Ok(Some(value))
            };
        }
        Ok(None)
    }
}

/// Keys are the variables without the prefix, in lower case; a list stands for its members joined by commas.
fn read_file(catalogue: &Catalogue, path: &Path, faults: &mut Faults) -> Layer {
    let parsed = std::fs::read_to_string(path)
        .map_err(|error| error.to_string())
        .and_then(|text| text.parse::<toml::Table>().map_err(|error| error.message().to_owned()));
    let table = match parsed {
        Ok(table) => table,
        Err(error) => {
            faults.add("--config", format!("the file {} cannot be read: {error}", path.display()));
            return Layer::new();
        }
    };
    let mut layer = Layer::new();
    for (key, value) in table {
        let name = key.to_ascii_uppercase();
        if key != key.to_ascii_lowercase() || !catalogue.knows(&name) {
            faults.add(
                format!("{}{name}", catalogue.prefix),
                format!("the file has the key `{key}`, which is no setting; remove or correct it"),
            );
        } else if let Some(text) = plain(&value) {
            layer.insert(name, text);
        } else {
            faults.add(
                format!("{}{name}", catalogue.prefix),
                "its value in the file is neither text, number, truth value nor a list of texts",
            );
        }
    }
    layer
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
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
        let sources = Layers::gather(
            Catalogue {
                prefix: "BILLING_",
                names: vec!["LISTEN", "LOG", "DATABASE_URL"],
                secrets: vec!["DATABASE_URL"],
            },
            &[("LISTEN", None)],
            pairs,
            None,
            &mut faults,
        );
        (sources, if faults.is_empty() { String::new() } else { faults.to_string() })
    }

    #[test]
    fn s1_an_unknown_name_is_a_fault_and_an_injected_one_a_warning() {
        let (sources, faults) =
            gather(&[("BILLING_LISTENN", "x"), ("BILLING_PORTAL_SERVICE_HOST", "10.0.0.1")]);
        assert!(faults.contains("BILLING_LISTENN"), "{faults}");
        assert!(!faults.contains("SERVICE_HOST"), "{faults}");
        assert_eq!(sources.ignored().len(), 1);
    }

    #[test]
    fn s1_only_secrets_come_from_files() {
        assert!(gather(&[("BILLING_LISTEN_FILE", "/x")]).1.contains("BILLING_LISTEN_FILE"));
        assert_eq!(gather(&[("BILLING_DATABASE_URL_FILE", "/x")]).1, "");
    }

    #[test]
    fn s1_one_trailing_newline_of_a_file_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        std::fs::write(&path, "sqlite://x\n\n").unwrap();
        let (sources, _) = gather(&[("BILLING_DATABASE_URL_FILE", path.to_str().unwrap())]);
        assert_eq!(sources.get("DATABASE_URL").unwrap().unwrap(), "sqlite://x\n");
    }

    #[test]
    fn s1_both_or_empty_is_an_error() {
        let (sources, _) = gather(&[
            ("BILLING_DATABASE_URL", "a"),
            ("BILLING_DATABASE_URL_FILE", "/x"),
            ("BILLING_LOG", ""),
        ]);
        assert!(sources.get("DATABASE_URL").unwrap_err().contains("both"));
        assert!(sources.get("LOG").unwrap_err().contains("empty"));
    }
}
