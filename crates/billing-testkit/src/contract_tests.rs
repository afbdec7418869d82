//! The macro that turns a list of cases into tests. The suites' macros use it.

/// Creates a module with one test per case. Each test calls `$make`, an async function that returns
/// the port and the resources to keep alive.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($suite:ident, $make:path, [$($case:ident),* $(,)?]) => {
        mod $suite {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let (port, _kept) = $make().await;
                    $crate::$suite::$case(&*port).await;
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    /// Returns the cases that a suite's source declares, and those that its macro lists.
    fn declared_and_listed(source: &str) -> (Vec<&str>, Vec<&str>) {
        let until = |text: &'static str| move |rest: &str| rest.find(text).unwrap_or_default();
        let declared = source
            .split("\npub async fn ")
            .skip(1)
            .map(|rest| &rest[..until("(")(rest)])
            .collect::<Vec<&str>>();
        let list = source
            .split_once("contract_tests!(")
            .unwrap()
            .1
            .split_once('[')
            .unwrap()
            .1
            .split_once(']')
            .unwrap()
            .0;
        let listed = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        (declared, listed)
    }

    #[test]
    fn every_case_of_a_suite_is_run() {
        for source in [
            include_str!("customer_repo_contract.rs"),
            include_str!("api_key_repo_contract.rs"),
            include_str!("api_key_lifecycle_contract.rs"),
            include_str!("api_key_rotation_contract.rs"),
            include_str!("link_race_contract.rs"),
            include_str!("api_key_usage_contract.rs"),
            include_str!("audit_log_contract.rs"),
            include_str!("forgetting_contract.rs"),
            include_str!("event_inbox_contract.rs"),
            include_str!("event_claim_contract.rs"),
            include_str!("billing_mirror_contract.rs"),
            include_str!("mirror_effect_contract.rs"),
            include_str!("customer_claims_contract.rs"),
            include_str!("checkout_requests_contract.rs"),
            include_str!("unit_of_work_contract.rs"),
            include_str!("leadership_contract.rs"),
            include_str!("database_contract.rs"),
            include_str!("checkout_provider_contract.rs"),
            include_str!("subscription_reader_contract.rs"),
            include_str!("customer_directory_contract.rs"),
        ] {
            let (mut declared, mut listed) = declared_and_listed(source);
            declared.sort_unstable();
            listed.sort_unstable();
            assert!(!declared.is_empty());
            assert_eq!(declared, listed);
        }
    }
}
