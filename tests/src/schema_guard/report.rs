//! The verdict over a whole test run.

use std::collections::{BTreeMap, BTreeSet};

use super::subset::Operations;
use super::validator::SchemaValidator;
use crate::exchanges::Exchange;

/// Fewer answers mean that the tests' tools no longer record.
pub(super) const MIN_ANSWERS: usize = 400;

/// Fewer requests of `provider-stripe` mean the same.
pub(super) const MIN_REQUESTS: usize = 1000;

/// What a test run showed.
#[derive(Debug, Default)]
pub struct Report {
    /// How many answers were judged.
    pub answers: usize,
    /// How many requests of `provider-stripe` were judged.
    pub requests: usize,
    /// The operations that were answered with 200.
    pub answered: Operations,
    /// What is wrong with single exchanges: what, and how often.
    pub faults: BTreeMap<String, usize>,
}

impl Report {
    /// Judges one more exchange.
    pub fn add(&mut self, validator: &SchemaValidator, exchange: &Exchange) {
        let method = &exchange.method;
        let path = exchange.operation.as_ref().unwrap_or(&exchange.path);
        if exchange.answer.is_some() {
            self.answers += 1;
            for fault in validator.answer_faults(exchange) {
                let fault = format!("the answer {} of {method} {path}: {fault}", exchange.status);
                *self.faults.entry(fault).or_default() += 1;
            }
        }
        if SchemaValidator::is_of_provider(exchange) {
            self.requests += 1;
            for fault in validator.request_faults(exchange) {
                let fault = format!("the request {method} {path} of provider-stripe: {fault}");
                *self.faults.entry(fault).or_default() += 1;
            }
        }
        if exchange.status == 200 && exchange.operation.is_some() {
            self.answered.insert((method.clone(), path.clone()));
        }
    }

    /// What is wrong with the run as a whole, given the operations that the sandbox offers and those that the schema has.
    #[must_use]
    pub fn complaints(
        &self,
        validator: &SchemaValidator,
        offered: &Operations,
        known: &Operations,
    ) -> Vec<String> {
        let list = |these: BTreeSet<&(String, String)>, what: &str| -> Vec<String> {
            these.into_iter().map(|(method, path)| format!("{method} {path} {what}")).collect()
        };
        let mut complaints = [
            list(offered.difference(&self.answered).collect(), "was never answered with 200"),
            list(
                offered.difference(known).collect(),
                "is offered, and scripts/stripe-schema does not extract it",
            ),
            list(
                known.difference(offered).collect(),
                "is in openapi-subset.json, and the sandbox does not offer it",
            ),
        ]
        .concat();
        let unneeded = validator.unused_entries().into_iter();
        complaints.extend(
            unneeded.map(|name| format!("no answer needed {name} of newer-than-schema.toml")),
        );
        for (what, count, fewest) in [
            ("answers", self.answers, MIN_ANSWERS),
            ("requests of provider-stripe", self.requests, MIN_REQUESTS),
        ] {
            if count < fewest {
                complaints.push(format!(
                    "only {count} {what} were recorded; a whole run has {fewest} and more"
                ));
            }
        }
        complaints
    }
}
