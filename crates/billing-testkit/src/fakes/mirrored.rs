//! [`Mirrored`]: the readings that the fakes of one database share.

use std::collections::BTreeMap;
use std::sync::Mutex;

use billing_domain::{CustomerId, MirroredCustomer, ProviderAccount};

pub(super) type Readings = BTreeMap<(ProviderAccount, CustomerId), MirroredCustomer>;

/// What the mirror, the inbox and the audit log of one database share. Locked before all else.
pub(super) type Mirrored = Mutex<Readings>;
