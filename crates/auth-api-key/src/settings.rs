//! The settings of API keys.

use billing_domain::KeyPrefix;

use crate::gate::{Gate, Pepper, PepperError};

const PREFIX: &str = "API_KEY_PREFIX";
const PEPPER: &str = "API_KEY_PEPPER";

/// The names of all settings that are read here.
pub const SETTINGS: &[&str] = &[PREFIX, PEPPER];

/// Those of [`SETTINGS`] that are secret.
pub const SECRETS: &[&str] = &[PEPPER];

/// How API keys look and what guards them.
#[derive(Clone, Debug)]
pub struct ApiKeySettings {
    prefix: KeyPrefix,
    gate: Gate,
}

impl ApiKeySettings {
    /// Reads the settings by their names in [`SETTINGS`].
    ///
    /// # Errors
    /// All faults at once: the setting's name, and what is wrong with it and how to mend it.
    pub fn read(get: &mut dyn FnMut(&str) -> Option<String>) -> Result<Self, Vec<(&'static str, String)>> {
        let prefix = match get(PREFIX) {
            None => Ok(KeyPrefix::default()),
            Some(text) => text.parse::<KeyPrefix>().map_err(|error| (PREFIX, format!("{error}, like `llmgen`"))),
        };
        let gate = match get(PEPPER) {
            None => Err((PEPPER, format!("it is required: {MAKE_ONE}, and keep it, for no key holds without it"))),
            Some(text) => read_gate(&text).map_err(|fault| (PEPPER, fault)),
        };
        match (prefix, gate) {
            (Ok(prefix), Ok(gate)) => Ok(Self { prefix, gate }),
            (prefix, gate) => Err(prefix.err().into_iter().chain(gate.err()).collect()),
        }
    }

    /// The word that keys start with.
    #[must_use]
    pub const fn prefix(&self) -> &KeyPrefix {
        &self.prefix
    }

    /// The gate under the configured pepper, or both while they are rotated.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }
}

const MAKE_ONE: &str = "make one with `openssl rand -hex 32`";

fn read_gate(text: &str) -> Result<Gate, String> {
    let mut peppers = text.split(',').map(Pepper::new);
    let explain = |error| match error {
        PepperError::TooShort => format!("{error}: {MAKE_ONE}; separate two by a comma while rotating"),
        PepperError::WhiteSpace => format!("{error}: remove it, also beside the comma"),
    };
    let current = peppers.next().unwrap_or(Err(PepperError::TooShort)).map_err(explain)?;
    let previous = peppers.next().transpose().map_err(explain)?;
    match peppers.next() {
        None => Ok(Gate::new(current, previous)),
        Some(_) => {
            Err("it holds at most two peppers, the new one first: remove those that no key needs any more".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::ApiKeyId;
    use secrecy::SecretString;

    use super::*;

    fn read(prefix: Option<&str>, pepper: Option<&str>) -> Result<ApiKeySettings, Vec<(&'static str, String)>> {
        ApiKeySettings::read(&mut |name| match name {
            "API_KEY_PREFIX" => prefix.map(str::to_owned),
            "API_KEY_PEPPER" => pepper.map(str::to_owned),
            other => panic!("{other} is no setting of this crate"),
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
    fn c7_the_pepper_is_required_and_has_32_bytes() {
        assert!(fault(None, None).1.contains("required"));
        for bad in ["short", &format!("{},short", "p".repeat(32)), &format!("{},", "p".repeat(32)), ","] {
            assert!(fault(None, Some(bad)).1.contains("at least 32 bytes"), "{bad}");
        }
        assert!(fault(None, Some(&format!("{}, {}", "p".repeat(32), "q".repeat(32)))).1.contains("white space"));
        assert!(fault(None, Some(&["p", "q", "r"].map(|c| c.repeat(32)).join(","))).1.contains("at most two"));
    }

    #[test]
    fn c7_of_two_peppers_the_first_writes_and_either_verifies() {
        let both = read(None, Some(&["q", "p"].map(|c| c.repeat(32)).join(","))).unwrap();
        let id: ApiKeyId = "0123456789AB".parse().unwrap();
        let secret = SecretString::from("s".repeat(43));
        for (letter, written_by_both) in [("q", true), ("p", false)] {
            let one = read(None, Some(&letter.repeat(32))).unwrap();
            assert_eq!(both.gate().admits(&id, &"s".repeat(43), &one.gate().value(&id, &secret)), Ok(true));
            assert_eq!(one.gate().admits(&id, &"s".repeat(43), &both.gate().value(&id, &secret)), Ok(written_by_both));
        }
    }

    #[test]
    fn all_faults_come_at_once_and_none_repeats_the_pepper() {
        let faults = read(Some("No"), Some("s3cr3t")).unwrap_err();
        assert_eq!(faults.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["API_KEY_PREFIX", "API_KEY_PEPPER"]);
        assert!(!format!("{faults:?}").contains("s3cr3t"));
        let settings = read(None, Some(&"s3cr3t".repeat(6))).unwrap();
        assert!(!format!("{settings:?}").contains("s3cr3t"));
    }
}
