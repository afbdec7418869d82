//! The report on a whole test run.

use std::collections::{BTreeMap, BTreeSet};

use super::subset::Operations;
use super::validator::SchemaValidator;
use crate::exchanges::Exchange;

/// Minimum number of answers. Fewer mean that the tests no longer record.
pub(super) const MIN_ANSWERS: usize = 400;

/// Minimum number of requests of `provider-stripe`.
pub(super) const MIN_REQUESTS: usize = 1000;

/// The results of a test run.
#[derive(Debug, Default)]
pub struct Report {
    /// Number of checked answers.
    pub answers: usize,
    /// Number of checked requests of `provider-stripe`.
    pub requests: usize,
    /// The operations with a 200 answer.
    pub answered: Operations,
    /// Faults of single exchanges, with their number of occurrences.
    pub faults: BTreeMap<String, usize>,
}

impl Report {
    /// Checks one more exchange.
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

    /// Returns the faults of the whole run, given the operations of the sandbox and of the schema.
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
                "is offered, but scripts/stripe-schema does not extract it",
            ),
            list(
                known.difference(offered).collect(),
                "is in openapi-subset.json, but the sandbox does not offer it",
            ),
        ]
        .concat();
        let unneeded = validator.unused_entries().into_iter();
        complaints.extend(
            unneeded.map(|name| format!("no answer used {name} of newer-than-schema.toml")),
        );
        for (what, count, fewest) in [
            ("answers", self.answers, MIN_ANSWERS),
            ("requests of provider-stripe", self.requests, MIN_REQUESTS),
        ] {
            if count < fewest {
                complaints.push(format!(
                    "only {count} {what} were recorded; a whole run has at least {fewest}"
                ));
            }
        }
        complaints
    }
}
