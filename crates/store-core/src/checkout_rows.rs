//! Rows of claims and of checkout requests, and their conversion to values.

use billing_domain::ports::{RepoError, StoredCheckoutRequest};
use billing_domain::{CustomerClaim, Timestamp};

use crate::error::corrupt;
use crate::rows::{optional, value};

const CLAIMS: &str = "customer_claims";
const REQUESTS: &str = "checkout_requests";

#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct ClaimRow {
    pub provider_key: String,
    pub customer_id: Option<String>,
    pub claimed_at: i64,
}

impl ClaimRow {
    /// Parses the row. [`RepoError::Corrupt`] names an invalid column.
    pub fn parse(self) -> Result<CustomerClaim, RepoError> {
        Ok(CustomerClaim {
            key: value(CLAIMS, "provider_key", &self.provider_key)?,
            customer: optional(CLAIMS, "customer_id", self.customer_id.as_deref())?,
            claimed_at: Timestamp::from_millis(self.claimed_at),
        })
    }
}

#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct RequestRow {
    pub content: String,
    pub provider_key: String,
    pub customer_id: Option<String>,
    pub session_id: Option<String>,
}

impl RequestRow {
    /// Parses the row. [`RepoError::Corrupt`] names an invalid column.
    pub fn parse(self) -> Result<StoredCheckoutRequest, RepoError> {
        let customer = optional(REQUESTS, "customer_id", self.customer_id.as_deref())?;
        let session = optional(REQUESTS, "session_id", self.session_id.as_deref())?;
        let session = match (customer, session) {
            (Some(customer), Some(session)) => Some((customer, session)),
            (None, None) => None,
            _ => {
                return Err(corrupt(REQUESTS, "session_id", "session or customer is missing"));
            }
        };
        Ok(StoredCheckoutRequest {
            content: self.content,
            provider_key: value(REQUESTS, "provider_key", &self.provider_key)?,
            session,
        })
    }
}
