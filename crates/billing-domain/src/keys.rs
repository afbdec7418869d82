//! API keys and the services that create, rotate and revoke them.

mod api_key;
mod api_key_service;

pub use api_key::{
    ApiKey, KeyDescription, KeyDescriptionError, KeyName, KeyNameError, KeyVerifier, PepperId,
    PepperIdError, StoredApiKey,
};
pub use api_key_service::{
    ApiKeyError, ApiKeyIssuer, ApiKeyService, CreatedKey, KeyRules, NewApiKey,
};
