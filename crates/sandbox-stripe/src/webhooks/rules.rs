//! Deliveries that go wrong on demand: late, twice, in another order, never.

use super::{MOST_RULES, TooManyRules};

/// What goes wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It comes after so many seconds.
    Late(u64),
    /// It comes twice, at the same time.
    Double,
    /// It comes with others, the last first.
    Reorder,
    /// It never comes.
    Lose,
}

/// The next deliveries of some kind go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// The type of the event, or a group of types; None: any.
    pub(crate) kind: Option<String>,
    /// None: any.
    pub(crate) endpoint: Option<String>,
    /// How many deliveries it is still to meet.
    pub(crate) times: u32,
}

/// What a delivery has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) fault: Fault,
    pub(super) rule: u64,
    /// Whether the rule is used up.
    pub(super) is_last: bool,
}

/// The rules, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Rules {
    made: u64,
    pending: Vec<Rule>,
}

impl Fault {
    /// The word for it.
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
        if self.pending.len() >= MOST_RULES {
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

    /// The oldest rule that fits, which is then used up by one.
    pub(super) fn meet(&mut self, kind: &str, endpoint: &str) -> Option<Met> {
        let index = self.pending.iter().position(|rule| {
            rule.kind.as_ref().is_none_or(|pattern| matches(pattern, kind))
                && rule.endpoint.as_ref().is_none_or(|wanted| wanted == endpoint)
        })?;
        let rule = self.pending.get_mut(index)?;
        rule.times = rule.times.saturating_sub(1);
        let met = Met { fault: rule.fault, rule: rule.id, is_last: rule.times == 0 };
        if met.is_last {
            self.pending.remove(index);
        }
        Some(met)
    }
}

/// A type, or a group of types with `*` for the rest: `customer.*`.
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
    fn a_star_stands_for_the_rest_of_a_type() {
        assert!(matches("customer.*", "customer.subscription.updated"));
        assert!(matches("*", "invoice.paid"));
        assert!(matches("invoice.paid", "invoice.paid"));
        assert!(!matches("invoice.paid", "invoice.paid.x"));
        assert!(!matches("customer.*", "invoice.paid"));
    }
}
