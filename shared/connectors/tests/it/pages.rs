//! What the pages of the connectors say of each CRM's quirks, some test shows: a row without one fails here.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const HUBSPOT: &[(&str, &str)] = &[
    (
        "Results of a batch come in any order, and failed ones are left out (207)",
        "given_results_in_another_order_when_read_then_each_has_its_own",
    ),
    (
        "An invalid value may refuse the whole batch (400)",
        "given_one_bad_record_at_any_place_when_written_then_it_alone_fails_within_the_calls_allowed",
    ),
    (
        "An id twice in a batch refuses it",
        "given_a_record_twice_in_a_batch_when_written_then_the_later_values_stand",
    ),
    (
        "An update without properties is refused",
        "given_an_update_of_nothing_when_written_then_nothing_changes_and_nothing_fails",
    ),
    (
        "All values are text; the empty text clears",
        "given_nulls_when_written_then_they_clear_and_what_is_kept_stays",
    ),
    (
        "E-mail addresses are lower-cased",
        "given_an_email_key_in_another_case_when_read_then_it_is_the_same_key",
    ),
    (
        "Search lags behind writes",
        "given_a_search_that_lags_when_looked_up_then_the_key_finds_at_once_and_the_search_in_time",
    ),
    (
        "A search is sorted by one property, and ties stand in any order",
        "given_any_stamps_and_ties_when_paged_while_records_change_then_every_record_is_told_and_the_run_ends",
    ),
    (
        "Only the survivor says what was merged into it",
        "given_a_page_when_read_then_what_was_merged_is_told_of_before_where_it_went",
    ),
    (
        "An answer to a write tells what is held, which may be another value",
        "given_values_that_hubspot_took_otherwise_when_read_then_what_is_held_is_told_of_what_was_written",
    ),
    (
        "A read may leave a record out",
        "given_what_an_answer_says_nothing_of_when_read_then_it_is_asked_for_alone",
    ),
    (
        "A merged record answers under another id",
        "given_a_merged_record_when_updated_then_the_survivor_is_named",
    ),
    (
        "429 comes in several shapes, mostly without Retry-After",
        "given_a_429_when_classified_then_the_header_wins_over_the_policy_and_is_bounded",
    ),
    (
        "423: the record is locked",
        "given_each_refusal_of_the_contract_sheet_when_written_then_its_class_is_the_one_agreed",
    ),
    (
        "477: the account is being moved",
        "given_each_refusal_of_the_contract_sheet_when_written_then_its_class_is_the_one_agreed",
    ),
    (
        "A private app's 401 may come of something else",
        "given_revoked_tokens_when_written_then_the_connection_waits_for_a_person",
    ),
    (
        "404 of a proxy",
        "given_each_refusal_of_the_contract_sheet_when_looked_up_then_nothing_counts_as_absent",
    ),
    (
        "An error envelope under 200",
        "given_an_error_under_a_200_when_archiving_or_looking_then_nothing_counts_as_done_or_absent",
    ),
    (
        "Any 500, 502, 504, 520 or 524",
        "given_any_status_without_a_body_when_classified_then_the_class_is_this",
    ),
];

const SALESFORCE: &[(&str, &str)] = &[
    (
        "A collection answers 200 even when every record failed",
        "given_one_bad_record_of_200_when_written_then_it_alone_fails_in_one_call",
    ),
    ("Results carry no key, only their place", "given_a_result_left_out_when_read_then_nobody_guesses"),
    (
        "A value of the wrong type refuses the whole call",
        "given_a_value_that_refuses_the_whole_call_when_written_then_it_alone_fails_within_two_log_n",
    ),
    (
        "A key twice in a call refuses both, whatever their case",
        "given_keys_that_differ_by_case_alone_when_written_then_the_second_follows_in_a_call_of_its_own",
    ),
    (
        "A lone upsert answers 201 or 200; 300 when several records have the key",
        "given_several_records_with_the_key_when_upserted_then_a_person_reads_their_ids",
    ),
    (
        "Keys with `/` or `.` cannot stand in an address",
        "given_a_key_that_no_address_can_hold_when_upserted_alone_then_it_goes_in_a_collection",
    ),
    (
        "Two calls that make the same key at once: one gets `DUPLICATE_VALUE`",
        "given_another_call_that_makes_the_same_record_when_upserted_then_it_becomes_an_update",
    ),
    (
        "Writing a child locks its parent: `UNABLE_TO_LOCK_ROW`",
        "given_five_hundred_children_of_one_parent_when_two_workers_write_them_then_no_lock_failure_is_left_to_a_person",
    ),
    (
        "A trigger that ran into a lock says so in its own code",
        "given_every_other_refusal_when_classified_then_the_class_and_our_words_are_these",
    ),
    (
        "Daily and concurrent limits are both 403 `REQUEST_LIMIT_EXCEEDED`",
        "given_each_limit_reached_when_written_then_all_calls_stop_until_it_is_over",
    ),
    (
        "`STORAGE_LIMIT_EXCEEDED`",
        "given_every_other_refusal_when_classified_then_the_class_and_our_words_are_these",
    ),
    (
        "The body of a duplicate rule is localised, and was misspelt `duplicateResut` for some versions",
        "given_each_refusal_of_the_contract_sheet_when_written_then_its_class_is_the_one_agreed",
    ),
    (
        "Rules that only warn refuse as well, unless overruled",
        "given_a_caller_that_insists_when_the_rule_allows_it_then_it_is_saved_and_else_not",
    ),
    (
        "An update of a merged record: `ENTITY_IS_DELETED`",
        "given_a_merged_record_when_updated_then_the_survivor_is_named",
    ),
    (
        "`INVALID_CROSS_REFERENCE_KEY` for a record that is gone, and for a reference to one that is",
        "given_updates_of_records_that_are_gone_when_written_then_merges_are_followed_and_the_rest_is_told_apart",
    ),
    (
        "A missing parent by external id: `INVALID_FIELD` \"Foreign key external ID\"",
        "given_a_parent_by_its_external_id_when_written_then_it_is_found_or_named",
    ),
    (
        "A token has no stated life",
        "given_an_expired_token_when_written_then_it_is_renewed_once_and_the_write_goes_on",
    ),
    (
        "A 401 that no renewal mends (\"not valid for use with the REST API\")",
        "given_a_token_without_the_api_scope_when_called_then_401_says_so",
    ),
    (
        "A bad token is 403 with the text `Bad_OAuth_Token` at one address",
        "given_a_token_when_asked_who_it_is_then_org_and_user_are_told_and_a_bad_one_is_plain_text",
    ),
    (
        "A field made over the API is visible to nobody",
        "given_a_field_made_over_tooling_when_no_permission_set_grants_it_then_nobody_sees_it",
    ),
    ("A maintenance page under 200 or 503", "given_a_maintenance_page_when_looked_up_then_it_is_asked_again"),
    (
        "Text is refused when too long, not cut",
        "given_values_that_do_not_fit_when_written_then_code_and_field_say_which",
    ),
    (
        "A job's lists come in any order, and without a number",
        "given_rows_that_were_written_when_read_in_any_order_then_each_has_its_own_id",
    ),
    (
        "A job's empty cell leaves the field alone; `#N/A` empties it",
        "given_values_of_every_kind_when_put_into_a_row_then_cells_hold_them_and_what_no_cell_can_say_has_no_row",
    ),
    (
        "A job with one column that is not there fails as a whole",
        "given_a_job_that_fails_or_is_stopped_when_asked_then_what_it_did_stays_done_and_the_rest_is_told_of",
    ),
    (
        "Stamps are whole seconds, and many records share one",
        "given_more_records_of_one_stamp_than_a_page_when_asked_then_none_is_lost",
    ),
    (
        "Deleted and merged records are seen by a query of all alone, for as long as they lie in the bin",
        "given_a_record_deleted_when_asked_then_it_is_told_of_as_gone",
    ),
    (
        "A field that is selected twice refuses the query",
        "given_positions_when_asked_from_then_the_queries_are_these",
    ),
    (
        "Ids come with 15 or 18 characters",
        "given_ids_of_15_characters_when_lengthened_then_they_are_the_18_of_the_api",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The first cells of the page's last table.
fn quirks(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/connectors").join(page)).unwrap();
    let table = text.split("## Quirks").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.filter_map(|row| row.split(" | ").next())
        .map(|cell| cell.trim_start_matches("| ").to_owned())
        .collect()
}

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs")
            && path.file_name().is_some_and(|name| name != "pages.rs")
        {
            all.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn given_the_pages_when_they_tell_a_quirk_then_a_test_shows_it() {
    let mut tests = String::new();
    ["shared", "infra/sandbox", "tests"].iter().for_each(|folder| sources(&root().join(folder), &mut tests));
    for (page, shown) in [("hubspot.md", HUBSPOT), ("salesforce.md", SALESFORCE)] {
        let shown: BTreeMap<&str, &str> = shown.iter().copied().collect();
        let told = quirks(page);
        assert_eq!(told.len(), shown.len(), "{page}: a row too many here or there");
        for row in told {
            let test = shown.get(row.as_str()).unwrap_or_else(|| panic!("{page}: nothing shows `{row}`"));
            assert!(tests.contains(&format!("fn {test}(")), "{page}: there is no test {test}");
        }
    }
}
