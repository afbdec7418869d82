//! Reads the settings of API keys.

use billing_domain::{KeyPrefix, OriginPattern};

use crate::gate::{Gate, Pepper, PepperError};

const PREFIX: &str = "API_KEY_PREFIX";
const PEPPER: &str = "API_KEY_PEPPER";
const MAX_PER_USER: &str = "API_KEY_MAX_PER_USER";
const RETURN_ORIGINS: &str = "API_KEY_RETURN_ORIGINS";

const DEFAULT_MAX_PER_USER: u32 = 20;
const LARGEST_MAX_PER_USER: u32 = 10_000;

/// Names of all settings of this crate.
pub const SETTINGS: &[&str] = &[PREFIX, PEPPER, MAX_PER_USER, RETURN_ORIGINS];

/// Names of the settings with secret values.
pub const SECRETS: &[&str] = &[PEPPER];

/// Settings of API keys: prefix, peppers and limits.
#[derive(Clone, Debug)]
pub struct ApiKeySettings {
    prefix: KeyPrefix,
    gate: Gate,
    max_per_user: u32,
    return_origins: Option<Vec<OriginPattern>>,
}

impl ApiKeySettings {
    /// Reads the settings by their names in [`SETTINGS`].
    ///
    /// # Errors
    /// All faults: each setting's name with a sentence that states the fault and the fix.
    pub fn read(
        get: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Result<Self, Vec<(&'static str, String)>> {
        let prefix = match get(PREFIX) {
            None => Ok(KeyPrefix::default()),
            Some(text) => text
                .parse::<KeyPrefix>()
                .map_err(|error| (PREFIX, format!("{error}, like `llmgen`"))),
        };
        let gate = match get(PEPPER) {
            None => Err((
                PEPPER,
                format!(
                    "it is required: {GENERATE}, and back it up: without it every key is refused"
                ),
            )),
            Some(text) => read_gate(&text).map_err(|fault| (PEPPER, fault)),
        };
        let max_per_user = match get(MAX_PER_USER) {
            None => Ok(DEFAULT_MAX_PER_USER),
            Some(text) => read_max_per_user(&text).map_err(|fault| (MAX_PER_USER, fault)),
        };
        let return_origins = get(RETURN_ORIGINS)
            .map(|text| read_origins(&text))
            .transpose()
            .map_err(|fault| (RETURN_ORIGINS, fault));

        match (prefix, gate, max_per_user, return_origins) {
            (Ok(prefix), Ok(gate), Ok(max_per_user), Ok(return_origins)) => {
                Ok(Self { prefix, gate, max_per_user, return_origins })
            }
            (prefix, gate, max_per_user, return_origins) => {
                let faults = [prefix.err(), gate.err(), max_per_user.err(), return_origins.err()];
                Err(faults.into_iter().flatten().collect())
            }
        }
    }

    /// Returns the prefix of keys.
    #[must_use]
    pub const fn prefix(&self) -> &KeyPrefix {
        &self.prefix
    }

    /// Returns the gate with the configured pepper, or with both during a rotation.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns the maximum of active keys per user. It applies to keys created over HTTP.
    #[must_use]
    pub const fn max_per_user(&self) -> u32 {
        self.max_per_user
    }

    /// Returns the origins that a key created over HTTP may list; `None` means the deployment's.
    #[must_use]
    pub fn return_origins(&self) -> Option<&[OriginPattern]> {
        self.return_origins.as_deref()
    }
}

const GENERATE: &str = "generate one with `openssl rand -hex 32`";

fn read_gate(text: &str) -> Result<Gate, String> {
    let mut peppers = text.split(',').map(Pepper::new);
    let explain = |error| match error {
        PepperError::TooShort => {
            format!("{error}: {GENERATE}; separate two with a comma during a rotation")
        }
        PepperError::WhiteSpace => format!("{error}: remove it, also next to the comma"),
    };
    let current = peppers.next().unwrap_or(Err(PepperError::TooShort)).map_err(explain)?;
    let previous = peppers.next().transpose().map_err(explain)?;
    match peppers.next() {
        None => Ok(Gate::new(current, previous)),
        Some(_) => {
            Err("it has at most two peppers, the new one first: remove peppers that no key uses"
                .to_owned())
        }
    }
}

fn read_max_per_user(text: &str) -> Result<u32, String> {
    let number =
        text.parse::<u32>().ok().filter(|number| (1..=LARGEST_MAX_PER_USER).contains(number));
    number.ok_or_else(|| format!("it must be a whole number from 1 to {LARGEST_MAX_PER_USER}"))
}

fn read_origins(text: &str) -> Result<Vec<OriginPattern>, String> {
    let read = |part: &str| {
        let part = part.trim();
        part.parse::<OriginPattern>()
            .map_err(|error| format!("`{part}`: {error}; separate several with commas"))
    };
    text.split(',').map(read).collect()
}

#[cfg(test)]
mod tests {
    use billing_domain::ApiKeyId;
    use secrecy::SecretString;

    use super::*;

    fn read(
        prefix: Option<&str>,
        pepper: Option<&str>,
    ) -> Result<ApiKeySettings, Vec<(&'static str, String)>> {
        ApiKeySettings::read(&mut |name| match name {
            "API_KEY_PREFIX" => prefix.map(str::to_owned),
            "API_KEY_PEPPER" => pepper.map(str::to_owned),
            "API_KEY_MAX_PER_USER" | "API_KEY_RETURN_ORIGINS" => None,
            other => panic!("{other} is not a setting of this crate"),
        })
    }

    fn fault(prefix: Option<&str>, pepper: Option<&str>) -> (&'static str, String) {
        let mut faults = read(prefix, pepper).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    }

    #[test]
    fn c6_the_prefix_is_llmgen_by_default() {
        let pepper = "p".repeat(32);
        assert_eq!(read(None, Some(&pepper)).unwrap().prefix().as_str(), "llmgen");
        assert_eq!(read(Some("acme2"), Some(&pepper)).unwrap().prefix().as_str(), "acme2");
        for bad in ["Acme", "2acme", "ac_me", &"a".repeat(33)] {
            assert_eq!(fault(Some(bad), Some(&pepper)).0, "API_KEY_PREFIX", "{bad}");
        }
    }

    #[test]
    fn c7_the_pepper_is_required_and_has_at_least_32_bytes() {
        assert!(fault(None, None).1.contains("required"));
        for bad in
            ["short", &format!("{},short", "p".repeat(32)), &format!("{},", "p".repeat(32)), ","]
        {
            assert!(fault(None, Some(bad)).1.contains("at least 32 bytes"), "{bad}");
        }
        assert!(
            fault(None, Some(&format!("{}, {}", "p".repeat(32), "q".repeat(32))))
                .1
                .contains("white space")
        );
        assert!(
            fault(None, Some(&["p", "q", "r"].map(|c| c.repeat(32)).join(",")))
                .1
                .contains("at most two")
        );
    }

    #[test]
    fn c7_with_two_peppers_the_first_writes_and_both_verify() {
        let both = read(None, Some(&["q", "p"].map(|c| c.repeat(32)).join(","))).unwrap();
        let id: ApiKeyId = "0123456789AB".parse().unwrap();
        let secret = SecretString::from("s".repeat(43));
        for (letter, written_by_both) in [("q", true), ("p", false)] {
            let one = read(None, Some(&letter.repeat(32))).unwrap();
            assert_eq!(
                both.gate().admits(&id, &"s".repeat(43), &one.gate().value(&id, &secret)),
                Ok(true)
            );
            assert_eq!(
                one.gate().admits(&id, &"s".repeat(43), &both.gate().value(&id, &secret)),
                Ok(written_by_both)
            );
        }
    }

    fn read_rules(name: &str, value: &str) -> Result<ApiKeySettings, Vec<(&'static str, String)>> {
        ApiKeySettings::read(&mut |wanted| match wanted {
            "API_KEY_PEPPER" => Some("p".repeat(32)),
            other => (other == name).then(|| value.to_owned()),
        })
    }

    #[test]
    fn a_user_has_at_most_20_active_keys_by_default() {
        assert_eq!(read(None, Some(&"p".repeat(32))).unwrap().max_per_user(), 20);
        for good in [1, 10_000] {
            assert_eq!(
                read_rules("API_KEY_MAX_PER_USER", &good.to_string()).unwrap().max_per_user(),
                good
            );
        }
        for bad in ["0", "10001", "-1", "many", "4294967297"] {
            assert_eq!(
                read_rules("API_KEY_MAX_PER_USER", bad).unwrap_err()[0].0,
                "API_KEY_MAX_PER_USER",
                "{bad}"
            );
        }
    }

    #[test]
    fn return_origins_default_to_the_deployment_s() {
        assert_eq!(read(None, Some(&"p".repeat(32))).unwrap().return_origins(), None);
        let settings =
            read_rules("API_KEY_RETURN_ORIGINS", "https://a.example, https://*.b.example").unwrap();
        let expected =
            ["https://a.example", "https://*.b.example"].map(|text| text.parse().unwrap());
        assert_eq!(settings.return_origins(), Some(expected.as_slice()));
        for bad in ["http://a.example", "https://a.example,", "https://a.example/path"] {
            assert_eq!(
                read_rules("API_KEY_RETURN_ORIGINS", bad).unwrap_err()[0].0,
                "API_KEY_RETURN_ORIGINS",
                "{bad}"
            );
        }
    }

    #[test]
    fn read_returns_all_faults_and_none_contains_the_pepper() {
        let faults = read(Some("No"), Some("s3cr3t")).unwrap_err();
        assert_eq!(
            faults.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["API_KEY_PREFIX", "API_KEY_PEPPER"]
        );
        assert!(!format!("{faults:?}").contains("s3cr3t"));
        let settings = read(None, Some(&"s3cr3t".repeat(6))).unwrap();
        assert!(!format!("{settings:?}").contains("s3cr3t"));
    }
}
