//! The portal's pages in a real browser, from the request to the service to what Stripe's API says afterwards.

use workspace_tests::browser::run;

#[test]
fn every_page_is_accessible_in_both_languages_and_colour_schemes() {
    run("pages.mjs", &[]).expect(5);
}
