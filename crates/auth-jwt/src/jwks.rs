//! Key sets of an issuer (RFC 7517): fetched, cached, and refreshed in the background.
//!
//! `http_source` fetches a set; `jwk_set` and `jwk` parse it. `state` decides when to fetch, how
//! long a set is valid and which requests wait. `remote_jwk_set` combines them, and `refreshers`
//! runs the fetching tasks.

mod http_source;
mod jwk;
mod jwk_set;
mod metrics;
mod refreshers;
mod remote_jwk_set;
mod state;

#[cfg(test)]
#[path = "../tests/black_box/issuer.rs"]
mod issuer;
#[cfg(test)]
#[path = "../tests/black_box/published_key.rs"]
mod published_key;

pub(crate) use http_source::HttpSource;
pub(crate) use refreshers::Refreshers;
pub(crate) use remote_jwk_set::RemoteJwkSet;
