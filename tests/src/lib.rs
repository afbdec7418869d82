//! What the workspace's own tests share: the harness around the built binary, the contract's cases, the architecture rules.

pub mod architecture;
pub mod binary;
pub mod canary;
pub mod case;
pub mod clauses;
pub mod database;
pub mod exchanges;
pub mod fuzz;
pub mod hostile;
pub mod invariants;
pub mod key_set;
pub mod poll;
pub mod portal;
pub mod process;
pub mod profiles;
pub mod runner;
pub mod runtime;
pub mod schema_guard;
pub mod settings;
pub mod station;
pub mod stripe_stub;
pub mod tokens;
pub mod wire;
pub mod words;
pub mod world;
