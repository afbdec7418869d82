//! [`AuditRecords`]: the rows of the audit log that the fakes of one database share.

use std::sync::{Mutex, MutexGuard};

use billing_domain::{AuditEntry, AuditEvent, AuditRecord};

/// Records in the order in which they were added. Locked after all else.
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
