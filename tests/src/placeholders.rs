//! Placeholders in the case files: `{user}`, `{now+60}`, `{x*2048}`.
//!
//! Other text in braces stays unchanged, so that a case can contain unescaped JSON.

use std::collections::BTreeMap;

/// The values of named placeholders, and the time of `{now}`.
#[derive(Clone, Debug, Default)]
pub struct Placeholders {
    named: BTreeMap<&'static str, String>,
    now: i64,
}

impl Placeholders {
    /// Creates placeholders without names. `now` is in seconds since 1970.
    #[must_use]
    pub const fn at(now: i64) -> Self {
        Self { named: BTreeMap::new(), now }
    }

    /// Sets the value of a name.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.named.insert(name, value.into());
    }

    /// Fills in the placeholders of a text: names, `{now}`, `{now+N}`, `{now-N}`, and `{c*N}` for N
    /// times the character c.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            let inside = &rest[open + 1..];
            let found =
                inside.find('}').and_then(|close| Some((self.value(&inside[..close])?, close)));
            match found {
                Some((value, close)) => {
                    filled.push_str(&value);
                    rest = &inside[close + 1..];
                }
                None => {
                    filled.push('{');
                    rest = inside;
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, word: &str) -> Option<String> {
        if let Some(value) = self.named.get(word) {
            return Some(value.clone());
        }
        if let Some(offset) = word.strip_prefix("now") {
            let offset = if offset.is_empty() { 0 } else { offset.parse::<i64>().ok()? };
            return Some((self.now + offset).to_string());
        }
        let (piece, times) = word.split_once('*')?;
        let times = times.parse().ok()?;
        (piece.chars().count() == 1).then(|| piece.repeat(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let mut placeholders = Placeholders::at(1000);
        placeholders.set("user", "u1");
        assert_eq!(
            placeholders.fill(r#"{"sub":"{user}","exp":{now+60},"n":{}}"#),
            r#"{"sub":"u1","exp":1060,"n":{}}"#
        );
        assert_eq!(placeholders.fill("{é*3}{[*2}{now-1}"), "ééé[[999");
        assert_eq!(placeholders.fill("{unknown}{"), "{unknown}{");
    }
}
