//! The ports' contract suites on Postgres: the same cases as everybody's.

use std::sync::Arc;

use crate::place::Place;
use billing_domain::ports::{ApiKeyRepo, CustomerRepo, Database};

async fn customers() -> (Arc<dyn CustomerRepo>, Place) {
    let place = Place::new().await;
    (place.migrated().await.customers(), place)
}

async fn api_keys() -> (Arc<dyn ApiKeyRepo>, Place) {
    let place = Place::new().await;
    (place.migrated().await.api_keys(), place)
}

async fn empty_database() -> (Arc<dyn Database>, Place) {
    let place = Place::new().await;
    (place.store().database(), place)
}

billing_testkit::customer_repo_contract!(customers);
billing_testkit::api_key_repo_contract!(api_keys);
billing_testkit::database_contract!(empty_database);
