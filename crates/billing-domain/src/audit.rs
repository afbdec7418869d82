//! The audit log: events, records and counted denials.

mod denial_counter;
mod record;

pub use denial_counter::DenialCounter;
pub use record::{
    Actor, AuditAction, AuditEntry, AuditEvent, AuditNameError, AuditQuery, AuditRecord, Denials,
    RequestOrigin,
};
