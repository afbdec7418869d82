//! The pages in a real browser, from the request to the resulting state in Stripe's API.

use workspace_tests::browser::run;

#[test]
fn every_capability_works_in_english_with_the_keyboard_and_without_script() {
    run("capabilities.mjs", &["en", "keyboard", "no-script"]).expect(49);
}

#[test]
fn every_capability_works_in_korean_with_the_keyboard_and_without_script() {
    run("capabilities.mjs", &["ko", "keyboard", "no-script"]).expect(49);
}

#[test]
fn every_capability_works_with_a_pointer_and_with_script() {
    run("capabilities.mjs", &["ko", "pointer", "script"]).expect(49);
}

#[test]
fn deep_links_open_their_step_and_end_at_after_completion() {
    run("deep-links.mjs", &[]).expect(17);
}

#[test]
fn plan_change_waits_for_its_payment() {
    run("payments.mjs", &[]).expect(12);
}

#[test]
fn checkout_works_in_english_with_the_keyboard_and_without_script() {
    run("checkout.mjs", &["en", "keyboard", "no-script"]).expect(19);
}

#[test]
fn checkout_works_in_korean_with_the_keyboard_and_without_script() {
    run("checkout.mjs", &["ko", "keyboard", "no-script"]).expect(19);
}

#[test]
fn checkout_works_with_a_pointer_and_with_script() {
    run("checkout.mjs", &["en", "pointer", "script"]).expect(19);
}

#[test]
fn billing_account_follows_its_customer_without_an_operator() {
    run("account-lifecycle.mjs", &[]).expect(25);
}

#[test]
fn every_page_is_accessible_in_both_languages_and_colour_schemes() {
    run("accessibility-check.mjs", &[]).expect(105);
}

#[test]
fn front_pages_and_reference_are_accessible_in_both_schemes_and_sizes() {
    run("landing-pages.mjs", &[]).expect(25);
}

#[test]
fn reference_sends_a_request_and_front_page_opens_the_portal() {
    run("reference.mjs", &[]).expect(18);
}

#[test]
fn fonts_have_a_glyph_for_every_character_of_the_pages() {
    run("fonts.mjs", &[]).expect(2);
}
