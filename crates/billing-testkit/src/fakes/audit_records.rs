//! [`AuditRecords`]: the audit log's rows, shared by the fakes of one database.

use std::sync::{Mutex, MutexGuard};

use billing_domain::{AuditEntry, AuditEvent, AuditRecord};

/// Records in insertion order. Lock order: last.
#[derive(Debug, Default)]
pub(super) struct AuditRecords(Mutex<Records>);

#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) records: Vec<AuditRecord>,
    last_sequence: i64,
}

impl AuditRecords {
    pub(super) fn lock(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap()
    }

    pub(super) fn add(&self, events: &[AuditEvent]) {
        let mut records = self.lock();
        events.iter().for_each(|event| records.add(AuditEntry::Event(event.clone())));
    }
}

impl Records {
    pub(super) fn add(&mut self, entry: AuditEntry) {
        self.last_sequence += 1;
        self.records.push(AuditRecord { sequence: self.last_sequence, entry });
    }
}
