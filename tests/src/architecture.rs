//! The shape of the workspace as rules over cargo's metadata and the source files.
//!
//! Each rule returns its complaints, and each complaint names the place.

pub mod arrows;
pub mod cycles;
pub mod files;
mod mentions;
mod modules;
mod resolve;
pub mod sandboxes;
