//! Access tokens from outside: whole tokens against the public interface.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what the tests share is test code too")]

mod corpus;
mod issuer;
mod jwks;
mod minted;
mod mutations;
mod published_key;
mod reload;
mod signatures;
mod support;
