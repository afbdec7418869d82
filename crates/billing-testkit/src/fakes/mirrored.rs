//! [`Mirrored`]: the readings, shared by the fakes of one database.

use std::collections::BTreeMap;
use std::sync::Mutex;

use billing_domain::{CustomerId, MirroredCustomer, ProviderAccount};

pub(super) type Readings = BTreeMap<(ProviderAccount, CustomerId), MirroredCustomer>;

/// Readings shared by mirror, inbox and audit log. Lock order: first.
pub(super) type Mirrored = Mutex<Readings>;
