//! The suite that every connector passes: the real connector over a real session, against the sandbox's own core.
//!
//! A connector's folder holds its [`Profile`], and [`connector_conformance!`](crate::connector_conformance) makes one test
//! of each case. A case that a vendor cannot have is named in its profile with the vendor's reason, which the run prints;
//! none is passed over in silence.
#![allow(clippy::unwrap_used, reason = "its cases are tests: what is not there fails them")]

pub mod account;
pub mod adoption;
pub mod answers;
pub mod batches;
mod bench;
pub mod changes;
pub mod laws;
pub mod preview;
mod profile;
pub mod refusals;
mod seams;
mod sheet;
pub mod writes;

pub use bench::{Bench, set};
pub use profile::{CANARY, Link, LinkBy, Profile};
pub use sheet::{Means, Row};

/// Runs one case, or says why this vendor cannot have it.
pub fn run(profile: &Profile, name: &str, case: fn(&Profile)) {
    match profile.reason_without(name) {
        Some(reason) => println!("{}: without {name}: {reason}", profile.provider),
        None => case(profile),
    }
}

/// What is passed over is a case that there is, with a reason, and the profile is of this vendor.
pub fn check_absences(profile: &Profile, vendor: &str, cases: &[&str]) {
    assert_eq!(profile.provider, vendor);
    for (name, reason) in profile.absent {
        assert!(cases.contains(name), "{name} is no case of the suite");
        assert!(reason.split_whitespace().count() >= 5, "{name}: a reason in a sentence, please: {reason:?}");
        println!("{vendor}: without {name}: {reason}");
    }
    let most = cases.len() / 3;
    assert!(profile.absent.len() <= most, "a vendor that lacks more than {most} cases wants another suite");
}

/// Makes a test of each case for the connector of this name, whose `PROFILE` is at hand.
#[macro_export]
macro_rules! connector_conformance {
    ($vendor:ident) => {
        $crate::connector_conformance! { @cases $vendor
            writes: [
                given_a_new_record_when_created_then_it_is_there_with_its_values,
                given_a_record_when_updated_then_only_the_named_fields_change,
                given_a_key_when_upserted_twice_then_one_record_is_made_and_then_changed,
                given_a_record_when_deleted_twice_then_it_is_gone_and_both_succeed,
                given_a_deleted_record_when_upserted_again_then_it_is_there_again,
                given_nulls_when_written_then_they_clear_and_what_is_kept_stays,
                given_an_update_of_nothing_when_written_then_nothing_changes_and_nothing_fails,
                given_a_missing_record_when_updated_then_it_is_missing_and_its_neighbours_are_written,
                given_a_merged_record_when_updated_then_the_survivor_is_named,
                given_a_record_when_erased_then_nothing_of_it_is_left,
            ]
            batches: [
                given_one_bad_record_at_any_place_when_written_then_it_alone_fails_within_the_calls_allowed,
                given_any_value_the_vendor_refuses_when_written_then_the_field_is_named,
                given_a_record_twice_in_a_batch_when_written_then_the_later_values_stand,
                given_a_batch_refused_whole_when_written_then_its_parts_are_tried,
                given_a_lone_record_refused_as_a_batch_when_written_then_it_ends_as_refused,
                given_results_in_another_order_when_read_then_each_has_its_own,
                given_records_without_anything_unique_when_created_then_each_has_its_own_id,
                given_a_result_left_out_when_read_then_nobody_guesses,
            ]
            adoption: [
                given_a_value_that_another_record_has_when_created_then_the_failure_names_that_record,
                given_two_records_of_one_value_when_looked_up_then_both_are_found,
                given_a_record_when_looked_up_by_key_and_by_id_then_it_is_found_and_others_are_not,
                given_odd_values_when_looked_up_then_each_finds_its_own_record_and_no_other,
                given_more_values_than_a_call_takes_when_looked_up_then_all_are_found,
                given_a_search_that_lags_when_looked_up_then_the_key_finds_at_once_and_the_search_in_time,
                given_two_records_when_linked_twice_then_the_one_refers_to_the_other,
            ]
            refusals: [
                given_each_refusal_of_the_contract_sheet_when_written_then_its_class_is_the_one_agreed,
                given_each_refusal_of_the_contract_sheet_when_looked_up_then_nothing_counts_as_absent,
                given_each_limit_reached_when_written_then_all_calls_stop_until_it_is_over,
                given_an_expired_token_when_written_then_it_is_renewed_once_and_the_write_goes_on,
                given_revoked_tokens_when_written_then_the_connection_waits_for_a_person,
            ]
            answers: [
                given_a_lost_answer_when_written_then_nobody_knows_and_it_is_sent_once,
                given_a_lost_answer_when_looked_up_then_it_is_asked_again_and_never_taken_for_nothing,
                given_a_success_that_says_nothing_when_looked_up_then_it_is_never_taken_for_nothing,
                given_a_redirect_to_another_host_when_called_then_it_is_refused_and_nothing_is_sent_there,
                given_little_time_when_called_then_no_call_begins_that_cannot_end,
            ]
            changes: [
                given_a_record_when_written_then_its_snapshot_holds_what_was_written,
                given_records_that_change_when_asked_from_before_then_each_is_told_of_with_what_it_holds,
                given_more_records_of_one_stamp_than_a_page_when_asked_then_none_is_lost,
                given_records_that_change_while_they_are_paged_when_asked_then_none_is_passed_over,
                given_changes_that_are_seen_late_when_asked_again_from_the_overlap_before_then_none_is_missed,
                given_a_record_deleted_when_asked_then_it_is_told_of_as_gone,
                given_a_record_merged_when_asked_then_it_is_told_where_it_went,
                given_a_success_that_says_nothing_when_changes_are_asked_for_then_nothing_counts_as_gone,
            ]
            account: [
                given_an_account_without_our_key_when_made_twice_then_it_is_there_unique_and_writable,
                given_no_leave_to_make_the_key_when_asked_then_the_words_say_what_to_click,
                given_an_account_when_asked_who_it_is_then_the_answer_stays_the_same,
                given_an_object_that_is_not_there_when_read_then_the_failure_is_no_empty_list,
            ]
            preview: [
                given_any_kind_of_write_when_rehearsed_then_it_goes_well_and_what_is_new_has_the_id_given,
                given_a_look_up_when_rehearsed_then_it_finds_nothing_and_says_so,
                given_changes_asked_for_when_rehearsed_then_there_are_none_and_nobody_is_there,
                given_a_record_when_its_properties_are_read_then_they_are_what_was_written,
            ]
            laws: [
                given_any_faults_when_written_then_every_outcome_is_there_and_true,
                given_any_answer_at_all_when_read_then_it_ends_in_outcomes,
            ]
        }
    };
    (@cases $vendor:ident $($file:ident: [$($case:ident),+ $(,)?])+) => {
        $($(
            #[test]
            fn $case() {
                $crate::conformance::run(&PROFILE, stringify!($case), $crate::conformance::$file::$case);
            }
        )+)+

        #[test]
        fn given_cases_this_vendor_cannot_have_when_listed_then_each_has_its_reason() {
            let cases = [$($(stringify!($case)),+),+];
            $crate::conformance::check_absences(&PROFILE, stringify!($vendor), &cases);
        }
    };
}
