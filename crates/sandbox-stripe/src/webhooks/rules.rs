//! Fault rules for deliveries: late, duplicated, reordered or lost.

use super::{MAX_RULES, TooManyRules};

/// The fault of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Delivered after this number of seconds.
    Late(u64),
    /// Delivered twice concurrently.
    Double,
    /// Delivered in reverse order with others.
    Reorder,
    /// Never delivered.
    Lose,
}

/// A rule that applies a fault to the next matching deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// The event type or a group of types; None matches any type.
    pub(crate) kind: Option<String>,
    /// None matches any endpoint.
    pub(crate) endpoint: Option<String>,
    /// The remaining number of deliveries.
    pub(crate) times: u32,
}

/// The rule that applies to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MatchedRule {
    pub(super) fault: Fault,
    pub(super) rule: u64,
    /// Whether this was the rule's last delivery.
    pub(super) is_last: bool,
}

/// The rules, oldest first.
#[derive(Debug, Default)]
pub(super) struct Rules {
    made: u64,
    pending: Vec<Rule>,
}

impl Fault {
    /// Returns the API's word for the fault.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Late(_) => "late",
            Self::Double => "double",
            Self::Reorder => "reorder",
            Self::Lose => "lose",
        }
    }
}

impl Rules {
    pub(super) fn add(&mut self, mut rule: Rule) -> Result<Rule, TooManyRules> {
        if self.pending.len() >= MAX_RULES {
            return Err(TooManyRules);
        }
        self.made += 1;
        rule.id = self.made;
        self.pending.push(rule.clone());
        Ok(rule)
    }

    pub(super) fn all(&self) -> Vec<Rule> {
        self.pending.clone()
    }

    pub(super) fn forget(&mut self) -> usize {
        std::mem::take(&mut self.pending).len()
    }

    /// Returns the oldest matching rule and uses it once.
    pub(super) fn take_match(&mut self, kind: &str, endpoint: &str) -> Option<MatchedRule> {
        let index = self.pending.iter().position(|rule| {
            rule.kind.as_ref().is_none_or(|pattern| matches(pattern, kind))
                && rule.endpoint.as_ref().is_none_or(|wanted| wanted == endpoint)
        })?;
        let rule = self.pending.get_mut(index)?;
        rule.times = rule.times.saturating_sub(1);
        let matched = MatchedRule { fault: rule.fault, rule: rule.id, is_last: rule.times == 0 };
        if matched.is_last {
            self.pending.remove(index);
        }
        Some(matched)
    }
}

/// Matches an event type against a type or a group such as `customer.*`.
pub(crate) fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => kind == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_the_rest_of_a_type() {
        assert!(matches("customer.*", "customer.subscription.updated"));
        assert!(matches("*", "invoice.paid"));
        assert!(matches("invoice.paid", "invoice.paid"));
        assert!(!matches("invoice.paid", "invoice.paid.x"));
        assert!(!matches("customer.*", "invoice.paid"));
    }
}
