//! The laws of the service seams, as AWS documents its services: the twins here and the adapters on the local stack pass
//! the same ones, so that no twin is kinder than what it stands for.
//!
//! A law is a function over a seam and nothing else. [`service_laws!`](crate::service_laws) makes one test of each for
//! whatever the caller brings. Where the local stack is not as AWS documents, [`DIFFERENCES`] says so: [`on_stack`] then
//! expects the law to fail there, and fails itself when it holds.
#![allow(clippy::unwrap_used, reason = "laws are tests: what is not there fails them")]

pub mod configs;
mod differences;
pub mod limits;
pub mod queue;
pub mod records;
pub mod secrets;

pub use differences::{DIFFERENCES, Difference, Shows, check_differences, on_stack};

/// Makes a test of each law of a service; `$on` is given the law's name and the law.
#[macro_export]
macro_rules! service_laws {
    (records, $on:ident) => {
        $crate::service_laws! { @laws records $on
            writes: [
                given_an_item_when_written_then_it_reads_back_whole_at_once,
                given_two_who_read_the_same_when_both_write_then_one_is_refused_and_changes_nothing,
                given_a_write_that_stands_when_sent_again_then_it_is_refused_and_done_once,
                given_an_item_that_is_there_or_is_not_when_written_on_the_contrary_then_it_is_refused,
                given_some_refused_when_many_are_written_at_once_then_each_is_answered_in_its_place,
                given_a_key_twice_in_a_call_when_written_then_only_the_first_write_counts,
                given_many_keys_when_read_then_each_that_is_there_comes_once,
                given_an_item_over_400_kb_when_written_then_it_alone_fails,
                given_more_than_16_mb_when_read_in_one_call_then_all_of_it_comes,
            ]
            claims: [
                given_a_claim_of_anothers_when_taken_then_the_owner_is_named_and_nothing_is_written,
                given_its_own_claim_when_taken_again_then_it_is_no_obstacle,
                given_a_stale_read_when_claims_are_changed_too_then_neither_item_nor_claims_change,
                given_two_claims_of_which_one_is_anothers_when_taken_then_neither_is_taken,
                given_a_claim_when_released_then_another_takes_it,
                given_a_claim_of_anothers_or_nobodys_when_released_then_the_item_is_written_and_the_claim_stays,
                given_a_claim_when_moved_in_one_write_then_the_old_is_free_and_the_new_is_owned,
                given_a_claim_named_twice_in_one_write_when_written_then_nothing_is,
                given_an_item_over_400_kb_when_written_with_a_claim_then_neither_is_there,
            ]
            beside: [
                given_links_when_their_owners_are_asked_for_then_each_is_named_and_nobodys_is_not,
                given_what_is_no_records_own_when_it_is_due_then_it_comes_as_whose_it_is,
            ]
            many: [
                given_many_with_claims_when_written_then_those_at_fault_are_told_why_and_all_others_stand,
                given_one_claim_wanted_twice_in_a_call_when_written_then_one_of_them_has_it,
                given_more_than_4_mb_with_claims_when_written_in_one_call_then_all_of_it_stands,
            ]
            sleepers: [
                given_what_sleeps_when_asked_what_is_due_then_it_comes_from_its_time_on_and_as_it_was_filed,
                given_states_that_nobody_looks_at_when_asked_what_is_due_then_they_do_not_come,
                given_many_due_when_asked_then_they_come_in_the_order_of_their_times,
                given_more_due_than_asked_for_when_asked_then_each_partition_gives_its_share_of_the_earliest,
                given_what_no_longer_sleeps_when_asked_then_it_is_gone,
                given_some_who_wait_when_asked_for_a_record_then_its_own_come_and_no_others,
                given_more_who_wait_than_asked_for_when_asked_then_those_who_wait_longest_come,
                given_names_of_any_characters_and_length_when_asked_then_they_come_as_they_were_given,
            ]
            parked: [
                given_what_is_parked_when_asked_then_it_comes_in_the_order_of_its_times_due_or_not,
                given_states_and_connections_that_are_not_the_lanes_when_asked_then_they_do_not_come,
                given_what_backfills_brought_when_asked_then_it_comes_apart_from_what_is_live,
                given_more_parked_than_asked_for_when_asked_then_each_partition_gives_its_share_of_the_earliest,
                given_what_is_drained_put_off_or_filed_when_asked_then_it_is_gone_or_has_its_new_time,
                given_a_connection_of_any_characters_and_length_when_asked_then_its_own_come,
            ]
            named: [
                given_items_when_read_with_their_names_then_they_are_whole_and_named_as_they_were_given,
                given_keys_of_nothing_or_twice_when_read_with_names_then_each_that_is_there_comes_once,
                given_many_keys_when_read_with_names_then_none_is_missing,
            ]
            bodies: [
                given_a_body_when_stored_then_it_reads_back_byte_by_byte_until_it_is_removed,
                given_a_body_when_stored_again_then_the_later_one_is_there,
            ]
        }
    };
    (limits, $on:ident) => {
        $crate::service_laws! { @laws limits $on
            buckets: [
                given_two_environments_when_they_lease_then_together_they_get_no_more_than_the_rule,
                given_an_empty_bucket_when_time_goes_by_then_it_refills_at_its_rate_up_to_its_burst,
                given_a_full_bucket_when_all_is_taken_then_its_window_has_no_more_and_the_next_goes_evenly,
                given_an_empty_bucket_when_asked_then_the_time_it_names_is_the_first_at_which_a_token_is_there,
                given_several_rules_when_leased_then_each_must_give_and_a_refusal_takes_from_none,
                given_many_at_once_when_they_lease_then_no_token_is_given_twice,
                given_a_block_when_another_leases_then_it_waits_until_the_latest_end,
                given_a_block_on_an_empty_bucket_when_it_ends_then_only_time_has_refilled_it,
                given_two_buckets_when_one_is_empty_or_blocked_then_the_other_is_not,
                given_a_clock_that_steps_back_when_leased_then_nothing_is_given_twice,
            ]
            breakers: [
                given_a_breaker_that_nobody_wrote_when_read_or_leased_then_it_is_a_healthy_one,
                given_failures_of_two_when_they_open_it_then_every_lease_tells_of_it,
                given_many_at_half_open_when_they_want_the_probe_then_one_has_it_until_its_time_is_over,
                given_a_probe_that_went_well_when_told_then_it_is_closed_for_all_and_few_may_be_at_work,
                given_leases_and_blocks_meanwhile_when_it_changes_then_neither_harms_the_other,
                given_what_changes_nothing_when_changed_then_it_is_answered_as_it_stands,
                given_connections_whose_names_are_near_when_one_is_open_then_the_other_is_not,
            ]
            budgets: [
                given_backfills_when_they_lease_then_together_they_get_their_share_and_live_traffic_the_rest,
                given_a_full_bucket_when_it_is_drained_then_by_two_it_goes_evenly,
                given_refusals_when_leased_after_them_then_everybody_is_slower_and_faster_again_in_time,
                given_what_the_crm_says_is_left_when_one_leases_with_it_then_nobody_has_more,
                given_a_days_allowance_that_is_spent_when_leased_with_that_then_nothing_goes,
                given_an_empty_bucket_when_asked_ahead_then_each_gets_its_turn_and_the_time_of_it,
                given_a_storm_of_asks_when_leased_then_a_second_has_less_than_ten_leases,
            ]
            offers: [
                given_offers_when_opened_and_closed_then_everybody_sees_until_when_one_is_open,
                given_an_offer_that_nobody_closes_when_it_ends_then_nothing_is_open,
            ]
            locks: [
                given_a_lock_when_held_then_nobody_else_gets_it_before_its_end,
                given_a_lock_when_its_holder_takes_it_again_then_it_ends_at_the_new_time,
                given_a_lock_when_unlocked_by_another_then_it_stays_and_by_its_holder_it_is_free,
                given_a_lock_that_has_passed_on_when_its_first_holder_unlocks_then_it_stays,
            ]
            lanes: [
                given_a_note_when_left_then_the_next_worker_finds_it_and_only_who_has_the_lane_leaves_one,
                given_a_lane_that_was_passed_on_as_held_when_wanted_then_it_is_due_after_the_hold,
                given_a_wish_when_its_time_comes_then_the_lane_is_due_and_not_before,
                given_a_lane_that_is_wanted_when_wanted_earlier_then_it_is_due_then_and_a_later_wish_changes_nothing,
                given_a_baton_when_taken_then_the_number_is_raised_and_it_is_worth_nothing_again,
                given_one_baton_when_many_take_it_at_once_then_one_of_them_has_the_lane,
                given_a_worker_that_died_when_its_requests_are_over_then_the_sweep_or_its_own_baton_goes_on,
                given_a_lane_that_ended_in_order_when_passed_then_it_is_due_at_the_next_time_or_never,
                given_a_wish_while_a_worker_is_at_it_when_passed_then_it_is_not_forgotten,
                given_a_lane_that_another_has_when_passed_then_nothing_changes,
                given_many_lanes_when_asked_what_is_due_then_the_earliest_come_first_and_no_more_than_asked_for,
                given_many_wishes_at_once_when_made_then_the_earliest_stands,
                given_connections_of_any_characters_and_length_when_due_then_their_batons_name_them,
            ]
            notes: [
                given_a_suspension_when_set_changed_and_ended_then_everybody_sees_it,
                given_tallies_when_two_add_then_they_are_summed_for_each_org_and_revision,
                given_what_is_known_when_noted_then_each_note_leaves_the_other,
                given_a_consent_when_two_take_it_then_the_first_gets_it_whole,
                given_a_consent_when_its_time_is_over_then_nobody_gets_it,
                given_a_consents_ending_when_asked_for_then_it_is_there_once_it_has_ended,
            ]
            notices: [
                given_what_is_raised_again_when_its_time_has_come_then_it_is_one_with_all_counts,
                given_two_who_would_tell_when_one_was_quicker_then_it_is_told_once_and_the_rest_later,
                given_what_happens_once_when_several_raise_it_then_it_is_raised_once,
                given_what_lasts_when_raised_again_then_the_last_look_counts_and_nothing_waits_to_be_told_later,
                given_other_kinds_and_connections_when_raised_then_each_is_its_own,
            ]
        }
    };
    (queue, $on:ident) => {
        $crate::service_laws! { @laws queue $on
            order: [
                given_a_group_when_received_one_by_one_then_its_order_is_that_of_sending,
                given_a_group_when_received_in_a_batch_then_its_messages_come_together_in_order,
                given_a_message_in_hand_when_received_then_its_group_is_closed_and_others_are_open,
                given_a_batch_of_which_one_is_deleted_when_received_then_the_group_opens_with_the_last_of_it,
                given_the_first_of_a_batch_made_visible_when_received_then_those_in_hand_keep_the_group_closed,
            ]
            visibility: [
                given_a_message_not_deleted_when_its_time_is_over_then_it_comes_back_counted_with_a_new_receipt,
                given_a_visibility_when_set_then_it_counts_from_then_on_and_ends_at_once_with_0,
                given_a_message_received_again_when_deleted_by_its_old_receipt_then_it_stays,
                given_a_receipt_whose_time_is_over_when_used_to_delete_then_it_is_refused_and_the_message_stays,
                given_a_receipt_whose_time_is_over_when_used_to_hide_then_it_is_refused,
                given_receipts_that_were_never_given_when_used_then_each_is_refused_for_itself,
                given_a_deleted_message_when_time_goes_by_then_it_never_comes_back,
                given_a_visibility_beyond_twelve_hours_when_set_then_it_is_refused,
            ]
            sending: [
                given_a_repeat_in_its_group_when_sent_then_it_is_taken_and_not_delivered,
                given_a_repeat_of_what_was_deleted_when_sent_then_it_is_not_delivered_either,
                given_the_same_id_in_another_group_when_sent_then_it_is_delivered,
                given_a_repeat_after_five_minutes_when_sent_then_it_is_delivered,
                given_more_than_ten_when_sent_then_all_arrive_with_body_group_and_lane,
                given_messages_when_sent_to_each_queue_then_the_others_have_none_of_them,
                given_a_message_over_1_mib_when_sent_then_it_alone_is_refused,
                given_an_empty_message_when_sent_then_it_alone_is_refused,
                given_a_group_or_id_that_sqs_does_not_take_when_sent_then_it_alone_is_refused,
            ]
            dead_letters: [
                given_a_message_received_too_often_when_received_once_more_then_it_is_a_dead_letter_as_it_was_sent,
                given_a_dead_letter_when_its_group_is_received_then_the_successor_comes,
            ]
        }
    };
    (secrets, $on:ident) => {
        $crate::service_laws! { @laws secrets $on
            versions: [
                given_no_secret_when_read_then_there_is_none,
                given_no_secret_when_written_then_it_fails_and_makes_none,
                given_a_secret_when_written_then_the_latest_is_read_at_once_with_its_version,
                given_the_same_text_when_written_again_then_it_is_another_version,
                given_two_secrets_when_one_is_written_then_the_other_stays,
                given_a_text_over_64_kb_when_written_then_it_fails_and_the_old_one_stays,
                given_a_name_that_no_secret_can_have_when_written_then_it_fails_and_when_read_there_is_none,
            ]
        }
    };
    (configs, $on:ident) => {
        $crate::service_laws! { @laws configs $on
            revisions: [
                given_an_org_without_documents_when_asked_then_it_is_unknown,
                given_an_org_of_its_own_when_resolved_then_its_connections_routes_and_mappings_are_there,
                given_a_mapping_of_the_orgs_own_when_resolved_then_it_stands_before_the_one_for_all,
                given_a_new_revision_when_the_cache_expires_then_it_is_seen_and_not_before,
                given_a_mapping_that_changed_when_applied_then_its_revision_alone_grows,
                given_documents_that_did_not_change_when_applied_then_nothing_has_a_new_revision,
                given_fewer_files_when_applied_then_what_holds_for_all_stays,
                given_the_name_of_what_holds_for_all_when_asked_as_an_org_then_it_is_unknown,
            ]
            pauses: [
                given_a_pause_when_the_cache_expires_then_that_connection_is_paused_and_no_other,
                given_a_pause_when_configuration_is_applied_then_it_stays_until_it_is_ended,
                given_a_pause_when_paused_again_then_the_first_stays_and_ending_it_tells_of_it,
                given_a_wide_pause_when_it_ends_then_what_was_paused_alone_stays_so,
                given_a_pause_or_its_end_when_asked_anew_then_it_is_seen_at_once_and_from_then_on,
            ]
        }
    };
    (@laws $service:ident $on:ident $($part:ident: [$($law:ident),+ $(,)?])+) => {
        $($(
            #[test]
            fn $law() {
                $on(stringify!($law), $crate::services::$service::$part::$law);
            }
        )+)+

        #[test]
        fn given_the_differences_of_the_local_stack_when_listed_then_each_is_of_a_law() {
            $crate::services::check_differences(stringify!($service), &[$($(stringify!($law)),+),+]);
        }
    };
}
