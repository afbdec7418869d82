//! The endpoint of the service that embeds the sandbox. Its id is fixed; its URL may change.

use std::io;

use secrecy::SecretString;

use super::address;
use crate::model::{Metadata, SigningSecret, WebhookEndpoint};
use crate::store::Store;

const ENDPOINT: &str = "we_1SandboxDefaultEndpoint1";

/// Creates the endpoint or updates its URL, and returns its secret.
pub(crate) fn upsert(store: &Store, url: &str) -> io::Result<SecretString> {
    let url =
        address::check(url).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    store.transact(|transaction| {
        let endpoint = match transaction.state().webhook_endpoints.get(ENDPOINT) {
            Some(endpoint) => WebhookEndpoint { url, ..endpoint.clone() },
            None => WebhookEndpoint {
                id: ENDPOINT.to_owned(),
                created: transaction.now(),
                url,
                secret: SigningSecret::mint()?,
                enabled_events: vec!["*".to_owned()],
                disabled: false,
                api_version: None,
                description: Some("Of the service that runs this sandbox".to_owned()),
                metadata: Metadata::new(),
            },
        };
        let secret = endpoint.secret.reveal().into();
        if transaction.state().webhook_endpoints.get(ENDPOINT) != Some(&endpoint) {
            transaction.put(endpoint);
        }
        Ok(secret)
    })
}
