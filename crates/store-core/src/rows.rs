//! Rows of links and API keys, and their conversion to values.

use std::collections::BTreeSet;
use std::mem;
use std::str::FromStr;

use billing_domain::ports::RepoError;
use billing_domain::{
    ApiKey, ApiKeyId, CustomerId, CustomerLink, KeyVerifier, OriginPattern, PepperId, Permission,
    ProviderAccount, StoredApiKey, Timestamp, UserId,
};
use secrecy::SecretString;

use crate::error::{corrupt, refused};

const CUSTOMERS: &str = "billing_customers";
const API_KEYS: &str = "api_keys";

#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct CustomerRow {
    pub user_id: String,
    pub provider: String,
    pub mode: String,
    pub customer_id: String,
}

impl CustomerRow {
    /// Parses the row. [`RepoError::Corrupt`] names an invalid column.
    pub fn parse(self) -> Result<CustomerLink, RepoError> {
        Ok(CustomerLink {
            owner: value(CUSTOMERS, "user_id", &self.user_id)?,
            account: ProviderAccount::new(
                value(CUSTOMERS, "provider", &self.provider)?,
                value(CUSTOMERS, "mode", &self.mode)?,
            ),
            customer: customer_id(self.customer_id)?,
        })
    }
}

/// Parses the customer of a link.
pub fn customer_id(text: String) -> Result<CustomerId, RepoError> {
    value(CUSTOMERS, "customer_id", &text)
}

/// Parses the user of a link.
pub fn user_id(text: &str) -> Result<UserId, RepoError> {
    value(CUSTOMERS, "user_id", text)
}

#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct ApiKeyRow {
    pub id: String,
    pub user_id: String,
    pub name: String,
    pub description: Option<String>,
    pub permissions: String,
    pub return_origins: String,
    pub pepper_id: Option<String>,
    pub secret_gate: String,
    pub secret_hash: String,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub last_used_at: Option<i64>,
}

impl ApiKeyRow {
    /// Parses the row. [`RepoError::Corrupt`] names an invalid column.
    pub fn parse(mut self) -> Result<StoredApiKey, RepoError> {
        let verifier = KeyVerifier {
            pepper: pepper_id(self.pepper_id.take())?,
            gate: SecretString::from(mem::take(&mut self.secret_gate)),
            hash: SecretString::from(mem::take(&mut self.secret_hash)),
        };
        Ok(StoredApiKey { key: self.parse_key()?, verifier })
    }

    /// Parses the row without the verifier's columns.
    pub fn parse_key(self) -> Result<ApiKey, RepoError> {
        Ok(ApiKey {
            id: value(API_KEYS, "id", &self.id)?,
            owner: value(API_KEYS, "user_id", &self.user_id)?,
            name: value(API_KEYS, "name", &self.name)?,
            description: optional(API_KEYS, "description", self.description.as_deref())?,
            permissions: list(API_KEYS, "permissions", &self.permissions)?,
            return_origins: list(API_KEYS, "return_origins", &self.return_origins)?,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_millis),
            revoked_at: self.revoked_at.map(Timestamp::from_millis),
            last_used_at: self.last_used_at.map(Timestamp::from_millis),
        })
    }
}

/// Parses the pepper id of a key.
pub fn pepper_id(text: Option<String>) -> Result<Option<PepperId>, RepoError> {
    optional(API_KEYS, "pepper_id", text.as_deref())
}

/// Parses the id of a key.
pub fn api_key_id(text: &str) -> Result<ApiKeyId, RepoError> {
    value(API_KEYS, "id", text)
}

/// Returns the column value of permissions.
pub fn permissions_text(permissions: &BTreeSet<Permission>) -> String {
    permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
}

/// Returns the column value of origins. Keys cannot have the pattern without a text form.
pub fn origins_text(origins: &[OriginPattern]) -> Result<String, RepoError> {
    let texts = origins.iter().map(|origin| match origin {
        OriginPattern::Exact(_) | OriginPattern::Subdomains(_) | OriginPattern::AnyHttps => {
            Ok(origin.to_string())
        }
        OriginPattern::AnyLoopbackHttp => {
            Err(refused("a key's return origins must have a text form"))
        }
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join(" "))
}

/// Parses a value. [`RepoError::Corrupt`] names the column of an invalid one.
pub fn value<T: FromStr<Err: ToString>>(
    table: &'static str,
    column: &'static str,
    text: &str,
) -> Result<T, RepoError> {
    text.parse().map_err(|error: T::Err| corrupt(table, column, error))
}

/// Parses an optional value.
pub fn optional<T: FromStr<Err: ToString>>(
    table: &'static str,
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, RepoError> {
    text.map(|text| value(table, column, text)).transpose()
}

/// Parses a space-separated list of values.
pub fn list<T, C>(table: &'static str, column: &'static str, text: &str) -> Result<C, RepoError>
where
    T: FromStr<Err: ToString>,
    C: FromIterator<T>,
{
    let parts = (!text.is_empty()).then(|| text.split(' ')).into_iter().flatten();
    parts.map(|part| value(table, column, part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_without_text_form_is_refused() {
        assert!(matches!(
            origins_text(&[OriginPattern::AnyLoopbackHttp]),
            Err(RepoError::Refused(_))
        ));
    }

    #[test]
    fn empty_list_is_empty_text() {
        assert_eq!(permissions_text(&BTreeSet::new()), "");
        assert_eq!(list::<Permission, BTreeSet<_>>("t", "c", "").unwrap(), BTreeSet::new());
    }

    #[test]
    fn malformed_list_is_corrupt() {
        for bad in [" ", "a:b ", " a:b", "a:b  c:d", "a:b,c:d", "a:b\nc:d"] {
            let parsed = list::<Permission, BTreeSet<_>>("t", "c", bad);
            assert!(
                matches!(parsed, Err(RepoError::Corrupt { table: "t", column: "c", .. })),
                "{bad:?}"
            );
        }
    }
}
