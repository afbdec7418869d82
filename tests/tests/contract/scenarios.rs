//! The tests that take code of their own, by the names under which `data/cases/scenarios.jsonl` lists them.

mod audit;
mod checkout;
mod checkout_replicas;
mod command_line;
mod configuration;
mod documents;
mod embedded;
mod in_process;
mod key_management;
mod key_sets;
mod keys;
mod lifecycle;
mod limits;
mod postgres;
mod replicas;
mod rotation;
mod secrecy;
mod sessions;
mod webhooks;

use workspace_tests::database::Store;
use workspace_tests::world::World;

/// How a scenario runs.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// In a store's world, beside all others.
    World(fn(&World)),
    /// On a store, with a database of its own.
    Store(fn(Store)),
    /// With no store or its own.
    Once(fn()),
    /// In a store's world, when all others are done.
    AtTheEnd(fn(&World)),
    /// When all others are done.
    AtTheVeryEnd(fn()),
}

const ALL: &[(&str, Run)] = &[
    ("two_requests_make_two_sessions", Run::World(sessions::two_requests_make_two_sessions)),
    ("no_url_is_stored_or_measured", Run::AtTheEnd(sessions::no_url_is_stored_or_measured)),
    (
        "no_operation_works_without_credential",
        Run::World(sessions::no_operation_works_without_credential),
    ),
    (
        "the_provider_was_asked_for_sessions_alone",
        Run::AtTheEnd(sessions::the_provider_was_asked_for_sessions_alone),
    ),
    ("a_made_key_has_the_form", Run::World(keys::a_made_key_has_the_form)),
    ("only_hashes_are_stored", Run::World(keys::only_hashes_are_stored)),
    ("a_key_is_shown_once", Run::World(keys::a_key_is_shown_once)),
    ("an_older_pepper_still_opens", Run::World(keys::an_older_pepper_still_opens)),
    ("refusals_are_alike_byte_for_byte", Run::World(keys::refusals_are_alike_byte_for_byte)),
    ("the_log_has_the_reason", Run::World(keys::the_log_has_the_reason)),
    ("a_revoked_key_ends_on_every_replica", Run::World(keys::a_revoked_key_ends_on_every_replica)),
    ("an_expiry_is_seen", Run::World(keys::an_expiry_is_seen)),
    ("changed_permissions_are_seen", Run::World(keys::changed_permissions_are_seen)),
    (
        "a_flood_of_wrong_secrets_starves_nobody",
        Run::World(keys::a_flood_of_wrong_secrets_starves_nobody),
    ),
    ("any_permission_is_stored", Run::World(keys::any_permission_is_stored)),
    ("draining_is_told_and_still_served", Run::World(lifecycle::draining_is_told_and_still_served)),
    ("what_runs_is_finished", Run::World(lifecycle::what_runs_is_finished)),
    (
        "half_sent_requests_do_not_hold_the_end",
        Run::World(lifecycle::half_sent_requests_do_not_hold_the_end),
    ),
    ("a_second_signal_ends_at_once", Run::World(lifecycle::a_second_signal_ends_at_once)),
    ("an_interrupt_drains_too", Run::World(lifecycle::an_interrupt_drains_too)),
    (
        "four_thousand_connections_are_taken",
        Run::World(lifecycle::four_thousand_connections_are_taken),
    ),
    ("idle_connections_are_kept", Run::World(lifecycle::idle_connections_are_kept)),
    (
        "a_killed_service_comes_back_with_its_data",
        Run::World(lifecycle::a_killed_service_comes_back_with_its_data),
    ),
    (
        "a_provider_that_goes_away_is_degraded",
        Run::World(lifecycle::a_provider_that_goes_away_is_degraded),
    ),
    ("every_command_speaks_json", Run::World(command_line::every_command_speaks_json)),
    ("a_minted_token_opens_the_portal", Run::World(command_line::a_minted_token_opens_the_portal)),
    ("the_sandbox_runs_alone", Run::Once(command_line::the_sandbox_runs_alone)),
    ("linking_again_and_replacing", Run::World(command_line::linking_again_and_replacing)),
    ("users_share_a_customer", Run::World(command_line::users_share_a_customer)),
    (
        "modes_and_providers_are_kept_apart",
        Run::World(command_line::modes_and_providers_are_kept_apart),
    ),
    ("commands_migrate_first", Run::World(command_line::commands_migrate_first)),
    (
        "a_missing_file_is_made_for_its_owner",
        Run::World(command_line::a_missing_file_is_made_for_its_owner),
    ),
    (
        "an_unmigrated_database_is_waited_for",
        Run::World(command_line::an_unmigrated_database_is_waited_for),
    ),
    ("several_migrate_at_once", Run::World(command_line::several_migrate_at_once)),
    ("tables_stand_in_public", Run::World(postgres::tables_stand_in_public)),
    ("a_database_out_of_reach_at_start", Run::World(postgres::a_database_out_of_reach_at_start)),
    ("a_database_that_goes_away", Run::World(postgres::a_database_that_goes_away)),
    (
        "flag_before_environment_before_file",
        Run::Once(configuration::flag_before_environment_before_file),
    ),
    ("one_trailing_newline_is_cut", Run::Once(configuration::one_trailing_newline_is_cut)),
    ("no_flag_takes_a_secret", Run::Once(configuration::no_flag_takes_a_secret)),
    (
        "the_embedded_default_works_as_pasted",
        Run::Once(embedded::the_embedded_default_works_as_pasted),
    ),
    ("every_code_has_a_page", Run::World(documents::every_code_has_a_page)),
    ("pages_load_nothing_from_elsewhere", Run::World(documents::pages_load_nothing_from_elsewhere)),
    ("the_openapi_document_is_complete", Run::World(documents::the_openapi_document_is_complete)),
    (
        "a_flow_that_the_provider_cannot_do",
        Run::Once(in_process::a_flow_that_the_provider_cannot_do),
    ),
    ("a_panic_is_an_internal_error", Run::Once(in_process::a_panic_is_an_internal_error)),
    ("our_own_limits_are_overloaded", Run::Once(in_process::our_own_limits_are_overloaded)),
    (
        "a_key_made_over_http_opens_the_portal",
        Run::World(key_management::a_key_made_over_http_opens_the_portal),
    ),
    ("a_created_key_is_described", Run::World(key_management::a_created_key_is_described)),
    (
        "a_list_shows_previews_and_a_total",
        Run::World(key_management::a_list_shows_previews_and_a_total),
    ),
    (
        "another_user_s_key_is_not_found",
        Run::World(key_management::another_user_s_key_is_not_found),
    ),
    (
        "a_rotated_key_and_its_successor_overlap",
        Run::World(key_management::a_rotated_key_and_its_successor_overlap),
    ),
    (
        "a_rotation_without_overlap_ends_the_old_key",
        Run::World(key_management::a_rotation_without_overlap_ends_the_old_key),
    ),
    (
        "a_revoked_or_expired_key_has_no_successor",
        Run::World(key_management::a_revoked_or_expired_key_has_no_successor),
    ),
    (
        "no_more_keys_than_allowed_however_many_at_once",
        Run::World(key_management::no_more_keys_than_allowed_however_many_at_once),
    ),
    ("twenty_keys_by_default", Run::World(key_management::twenty_keys_by_default)),
    (
        "own_origins_lie_within_those_for_keys",
        Run::World(key_management::own_origins_lie_within_those_for_keys),
    ),
    (
        "the_command_line_rotates_and_revokes_all",
        Run::World(key_management::the_command_line_rotates_and_revokes_all),
    ),
    ("a_last_use_is_noted", Run::World(key_management::a_last_use_is_noted)),
    (
        "a_revocation_over_http_ends_on_every_replica",
        Run::World(key_management::a_revocation_over_http_ends_on_every_replica),
    ),
    (
        "headers_count_down_and_the_next_is_refused",
        Run::World(limits::headers_count_down_and_the_next_is_refused),
    ),
    (
        "principals_have_limits_of_their_own",
        Run::World(limits::principals_have_limits_of_their_own),
    ),
    ("a_refusal_tells_the_limit_too", Run::World(limits::a_refusal_tells_the_limit_too)),
    ("sixty_a_minute_by_default", Run::World(limits::sixty_a_minute_by_default)),
    (
        "failures_beyond_the_limit_are_refused",
        Run::World(limits::failures_beyond_the_limit_are_refused),
    ),
    ("failures_of_one_key_id_are_counted", Run::World(limits::failures_of_one_key_id_are_counted)),
    (
        "a_forwarded_source_is_believed_of_proxies_alone",
        Run::World(limits::a_forwarded_source_is_believed_of_proxies_alone),
    ),
    (
        "a_flood_of_failures_refuses_no_good_credential",
        Run::World(limits::a_flood_of_failures_refuses_no_good_credential),
    ),
    (
        "unready_until_the_key_set_is_loaded",
        Run::World(key_sets::unready_until_the_key_set_is_loaded),
    ),
    ("a_new_key_of_the_set_is_taken", Run::World(key_sets::a_new_key_of_the_set_is_taken)),
    ("unknown_key_ids_cause_one_fetch", Run::World(key_sets::unknown_key_ids_cause_one_fetch)),
    ("a_key_set_out_of_reach_is_kept", Run::World(key_sets::a_key_set_out_of_reach_is_kept)),
    (
        "audited_events_name_who_what_and_where",
        Run::World(audit::audited_events_name_who_what_and_where),
    ),
    (
        "an_answered_request_is_in_the_audit_log_after_a_kill",
        Run::World(audit::an_answered_request_is_in_the_audit_log_after_a_kill),
    ),
    ("commands_are_audited", Run::World(audit::commands_are_audited)),
    ("denied_attempts_are_counted", Run::World(audit::denied_attempts_are_counted)),
    ("a_forgotten_user_is_nowhere", Run::World(audit::a_forgotten_user_is_nowhere)),
    ("old_records_go_and_others_stay", Run::World(audit::old_records_go_and_others_stay)),
    (
        "a_page_continues_where_the_last_one_ended",
        Run::World(audit::a_page_continues_where_the_last_one_ended),
    ),
    ("a_wrong_pepper_stops_the_start", Run::World(rotation::a_wrong_pepper_stops_the_start)),
    ("a_pepper_is_rotated_by_a_signal", Run::World(rotation::a_pepper_is_rotated_by_a_signal)),
    (
        "token_secrets_rotate_without_a_failed_request",
        Run::World(rotation::token_secrets_rotate_without_a_failed_request),
    ),
    (
        "wrong_settings_are_named_and_not_taken",
        Run::World(rotation::wrong_settings_are_named_and_not_taken),
    ),
    (
        "a_stripe_key_is_rotated_by_a_signal",
        Run::World(rotation::a_stripe_key_is_rotated_by_a_signal),
    ),
    (
        "the_hostile_corpus_is_refused_on_both_routes",
        Run::World(secrecy::the_hostile_corpus_is_refused_on_both_routes),
    ),
    (
        "a_database_password_is_told_nowhere",
        Run::World(secrecy::a_database_password_is_told_nowhere),
    ),
    ("a_newcomer_buys_and_is_told_so", Run::Store(checkout::a_newcomer_buys_and_is_told_so)),
    (
        "a_key_needs_the_permission_of_the_route",
        Run::Store(checkout::a_key_needs_the_permission_of_the_route),
    ),
    ("what_cannot_be_bought_is_refused", Run::Store(checkout::what_cannot_be_bought_is_refused)),
    (
        "one_customer_however_many_checkouts_at_once",
        Run::Store(checkout::one_customer_however_many_checkouts_at_once),
    ),
    (
        "an_idempotency_key_stands_for_one_request",
        Run::Store(checkout::an_idempotency_key_stands_for_one_request),
    ),
    (
        "who_subscribed_elsewhere_is_already_subscribed",
        Run::Store(checkout::who_subscribed_elsewhere_is_already_subscribed),
    ),
    ("a_price_that_differs_is_not_sold", Run::Store(checkout::a_price_that_differs_is_not_sold)),
    (
        "the_plans_are_listed_for_everybody",
        Run::Store(checkout::the_plans_are_listed_for_everybody),
    ),
    (
        "a_signed_delivery_is_taken_in_once",
        Run::Store(webhooks::a_signed_delivery_is_taken_in_once),
    ),
    (
        "a_signature_that_does_not_hold_is_refused",
        Run::Store(webhooks::a_signature_that_does_not_hold_is_refused),
    ),
    (
        "signatures_of_the_official_packages_hold",
        Run::Store(webhooks::signatures_of_the_official_packages_hold),
    ),
    ("an_account_comes_and_goes", Run::Store(webhooks::an_account_comes_and_goes)),
    (
        "deliveries_may_be_late_doubled_or_in_any_order",
        Run::Store(webhooks::deliveries_may_be_late_doubled_or_in_any_order),
    ),
    ("lost_deliveries_are_made_good", Run::Store(webhooks::lost_deliveries_are_made_good)),
    (
        "what_fails_is_tried_again_and_replayed",
        Run::Store(webhooks::what_fails_is_tried_again_and_replayed),
    ),
    ("time_moves_on_at_the_provider", Run::Store(webhooks::time_moves_on_at_the_provider)),
    (
        "customers_are_imported_and_nothing_is_guessed",
        Run::Store(webhooks::customers_are_imported_and_nothing_is_guessed),
    ),
    ("several_names_are_no_name", Run::Store(webhooks::several_names_are_no_name)),
    (
        "each_event_is_applied_once_by_whichever_replica",
        Run::Store(replicas::each_event_is_applied_once_by_whichever_replica),
    ),
    (
        "one_replica_reconciles_and_another_takes_over",
        Run::Store(replicas::one_replica_reconciles_and_another_takes_over),
    ),
    (
        "one_customer_on_several_replicas",
        Run::Store(checkout_replicas::one_customer_on_several_replicas),
    ),
    ("nothing_secret_is_audited", Run::AtTheEnd(audit::nothing_secret_is_audited)),
    ("every_place_would_show_a_leak", Run::AtTheVeryEnd(secrecy::every_place_would_show_a_leak)),
    ("no_output_holds_a_secret", Run::AtTheVeryEnd(sessions::no_output_holds_a_secret)),
];

/// The scenario of this name.
pub(crate) fn find(name: &str) -> Run {
    ALL.iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("no scenario is called {name}"))
        .1
}

/// Whether a test of this name waits for long, so that it should start early.
pub(crate) fn is_slow(name: &str) -> bool {
    ["::A1::", "::B3::", "::H7::", "::P2::", "::S2::", "::W2::", "::W4::"]
        .iter()
        .any(|rule| name.contains(rule))
}
