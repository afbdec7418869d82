//! Black-box tests of access tokens through the public interface.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers are test code too")]

mod corpus;
mod issuer;
mod jwks;
mod minted;
mod mutations;
mod published_key;
mod reload;
mod signatures;
mod support;
