//! [`FakeDatabase`].

use std::sync::Mutex;

use async_trait::async_trait;
use billing_domain::ports::{Database, RepoError, SchemaState};

use super::Reachability;

/// A database with nothing but the state of its schema.
#[derive(Debug)]
pub struct FakeDatabase {
    state: Mutex<SchemaState>,
    closed: Reachability,
    reachability: Reachability,
}

impl FakeDatabase {
    /// Creates a database in this state, controlled by this switch.
    #[must_use]
    pub fn in_state(state: SchemaState, reachability: Reachability) -> Self {
        Self { state: Mutex::new(state), closed: Reachability::default(), reachability }
    }

    /// Sets the state, as a migration elsewhere or a restored backup would.
    pub fn set_state(&self, state: SchemaState) {
        *self.state.lock().unwrap() = state;
    }

    fn check(&self) -> Result<(), RepoError> {
        self.closed.check()?;
        self.reachability.check()
    }
}

#[async_trait]
impl Database for FakeDatabase {
    async fn schema(&self) -> Result<SchemaState, RepoError> {
        self.check()?;
        Ok(*self.state.lock().unwrap())
    }

    async fn migrate(&self) -> Result<usize, RepoError> {
        self.check()?;
        let mut state = self.state.lock().unwrap();
        match *state {
            SchemaState::Current | SchemaState::Newer => Ok(0),
            SchemaState::Behind { missing } => {
                *state = SchemaState::Current;
                Ok(missing)
            }
        }
    }

    /// Closes the database and all stores with the same switch.
    async fn close(&self) {
        self.closed.go_down();
        self.reachability.go_down();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn empty() -> (Arc<dyn Database>, ()) {
        (
            Arc::new(FakeDatabase::in_state(
                SchemaState::Behind { missing: 2 },
                Reachability::default(),
            )),
            (),
        )
    }

    crate::database_contract!(empty);
}
