//! Access tokens from outside: whole tokens against the public interface.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what the tests share is test code too")]

mod corpus;
mod minted;
mod mutations;
mod signatures;
mod support;
