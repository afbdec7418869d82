//! Architecture rules, checked on cargo's metadata and the source files.
//!
//! Each rule returns a list of violations with their locations.

pub mod cycles;
pub mod dependencies;
pub mod files;
mod mentions;
mod modules;
mod resolve;
pub mod sandboxes;
