//! Key sets that an issuer publishes (RFC 7517): fetched, kept, and refreshed beside the requests.
//!
//! `jwk` and `jwk_set` read what came, `http_source` fetches it, `state` decides by the clock when to fetch, for how long a set
//! counts and who waits, `remote_jwk_set` puts them together, and `refreshers` runs what fetches.

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
