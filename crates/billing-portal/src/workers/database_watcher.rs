//! [`DatabaseWatcher`]: checks the database every second and reports the result to [`Readiness`].

use std::sync::Arc;
use std::time::Duration;

use auth_api_key::PepperFit;
use auth_jwt::JwtAuthenticator;
use billing_domain::error_chain;
use billing_domain::ports::{Database, RepoError, SchemaState};
use layered_settings::Faults;
use tokio::time::MissedTickBehavior;

use super::pepper_check::PepperCheck;
use crate::failure::Failure;
use crate::readiness::Readiness;

const INTERVAL: Duration = Duration::from_secs(1);

/// Watches the database and the keys for access tokens.
#[derive(Debug)]
pub(crate) struct DatabaseWatcher {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) auto_migrate: bool,
    pub(crate) pepper: Arc<PepperCheck>,
    pub(crate) tokens: Arc<JwtAuthenticator>,
    pub(crate) readiness: Arc<Readiness>,
}

impl DatabaseWatcher {
    /// Runs until it is cancelled. Migrates the database if the settings allow that, and checks the
    /// pepper once.
    ///
    /// # Errors
    /// [`Failure::Configuration`] if the pepper fits no stored key: the service would reject every
    /// API key.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pepper_is_checked = false;
        let mut last_fault = None;
        loop {
            tick.tick().await;
            let fault = self.fault(&mut pepper_is_checked).await?;
            self.readiness.observe(fault.is_none(), self.tokens.keys_loaded());
            if fault != last_fault {
                match &fault {
                    None => tracing::info!("the database is back"),
                    Some(cause) => tracing::warn!(cause, "the database cannot be used"),
                }
                last_fault = fault;
            }
        }
    }

    /// Returns why the database cannot be used, or `None`.
    async fn fault(&self, pepper_is_checked: &mut bool) -> Result<Option<String>, Failure> {
        match self.schema().await {
            Ok(state) if state.is_compatible() => {}
            Ok(_) => {
                let fault = "the database is not migrated: run `billing-portal migrate`";
                return Ok(Some(fault.to_owned()));
            }
            Err(error) => return Ok(Some(error_chain(&error))),
        }
        if *pepper_is_checked {
            return Ok(None);
        }
        match self.pepper.check().await {
            Ok(PepperFit::NoneFits) => Err(Failure::Configuration(wrong_pepper())),
            Ok(PepperFit::Fits | PepperFit::SomeDoNotFit(_)) => {
                *pepper_is_checked = true;
                Ok(None)
            }
            Err(error) => Ok(Some(error_chain(&error))),
        }
    }

    async fn schema(&self) -> Result<SchemaState, RepoError> {
        let state = self.database.schema().await?;
        if !self.auto_migrate || state.is_compatible() {
            return Ok(state);
        }
        let applied = self.database.migrate().await?;
        tracing::info!(applied, "the database is migrated");
        self.database.schema().await
    }
}

fn wrong_pepper() -> Faults {
    let mut faults = Faults::default();
    faults.add(
        "BILLING_API_KEY_PEPPER",
        "it fits none of the stored keys; set the pepper of the stored keys, or both peppers, \
         separated by a comma, while rotating",
    );
    faults
}

#[cfg(test)]
mod tests {
    use api_http::readiness::{ReadinessProbe as _, State};
    use auth_jwt::JwtSettings;
    use billing_domain::Timestamp;
    use billing_testkit::{FakeDatabase, FixedClock, Reachability};
    use http_edge::Drain;

    use super::super::pepper_check::tests::check;
    use super::*;

    const BEHIND: SchemaState = SchemaState::Behind { missing: 2 };

    fn watcher(auto_migrate: bool, pepper: PepperCheck) -> (DatabaseWatcher, Reachability) {
        let secret = |name: &str| (name == "JWT_HS256_SECRET").then(|| "s".repeat(40));
        let settings = JwtSettings::read(&mut |name| secret(name)).unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1)));
        let (tokens, _) = JwtAuthenticator::start(settings, clock.clone()).unwrap();
        let switch = Reachability::default();
        let watcher = DatabaseWatcher {
            database: Arc::new(FakeDatabase::in_state(BEHIND, switch.clone())),
            auto_migrate,
            pepper: Arc::new(pepper),
            tokens: Arc::new(tokens),
            readiness: Arc::new(Readiness::new(Drain::new(), clock)),
        };
        (watcher, switch)
    }

    #[tokio::test]
    async fn database_is_migrated_only_if_the_settings_allow_it() {
        let (watcher, _) = watcher(false, check("p", "p"));
        let fault = watcher.fault(&mut false).await.unwrap();
        assert!(fault.is_some_and(|fault| fault.contains("billing-portal migrate")));
        let watcher = DatabaseWatcher { auto_migrate: true, ..watcher };
        assert_eq!(watcher.fault(&mut false).await.unwrap(), None);
        assert_eq!(watcher.database.schema().await.unwrap(), SchemaState::Current);
    }

    #[tokio::test]
    async fn outage_is_a_fault_until_it_is_over() {
        let (watcher, switch) = watcher(true, check("p", "p"));
        let mut pepper_is_checked = false;
        assert_eq!(watcher.fault(&mut pepper_is_checked).await.unwrap(), None);
        switch.go_down();
        assert!(watcher.fault(&mut pepper_is_checked).await.unwrap().is_some());
        switch.come_back();
        assert_eq!(watcher.fault(&mut pepper_is_checked).await.unwrap(), None);
    }

    #[tokio::test]
    async fn pepper_that_fits_no_stored_key_is_a_configuration_fault() {
        let (watcher, _) = watcher(true, check("p", "q"));
        let readiness = watcher.readiness.clone();
        let failure = watcher.run().await.unwrap_err();
        assert!(matches!(failure, Failure::Configuration(_)), "{failure:?}");
        assert!(failure.to_string().contains("BILLING_API_KEY_PEPPER"));
        assert!(matches!(readiness.state(), State::NotReady(_)));
    }
}
