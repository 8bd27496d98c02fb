//! Which messages go back to the queue, and for how long they stay unseen. Pure.
//!
//! A returned message takes everything behind it in its message group with it, so that the group's order holds; nothing
//! before it, and nothing of another group.

use crate::batch::Received;
use crate::work::fate::MessageFate;
use rtr_core::retry::wait_s;
use rtr_core::time::Instant;

/// The messages to return, in the batch's order, each with the seconds to stay unseen, if they are to be set.
#[must_use]
pub(super) fn returned(
    messages: &[Received],
    fates: &[MessageFate],
    now: Instant,
) -> Vec<(usize, Option<i32>)> {
    let mut held: Vec<(&str, Option<i32>)> = Vec::new();
    let mut answer = Vec::new();
    for (place, (message, fate)) in messages.iter().zip(fates).enumerate() {
        let behind = held.iter().find(|(group, _)| *group == message.group).map(|(_, wait)| *wait);
        let wait = match (behind, fate) {
            // What is left as it is stays so behind others too: its group waits with it.
            (Some(_), MessageFate::ReturnAsIs) => None,
            (Some(Some(wait)), MessageFate::Hold(until)) => {
                Some(wait.max(wait_s(now, *until, message.receive_count)))
            }
            // The group is locked while any of its messages is unseen: those behind wait as long as the first.
            (Some(wait), _) => wait,
            (None, MessageFate::Done) => continue,
            (None, MessageFate::Return(until) | MessageFate::Hold(until)) => {
                Some(wait_s(now, *until, message.receive_count))
            }
            (None, MessageFate::ReturnAsIs) => None,
        };
        if behind.is_none() {
            held.push((&message.group, wait));
        }
        answer.push((place, wait));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(group: &str) -> Received {
        Received {
            sent_at: Instant(0),
            trace: None,
            message_id: String::new(),
            receipt: String::new(),
            body: String::new(),
            group: group.to_owned(),
            first_received_at: Instant(0),
            receive_count: 1,
            lane: None,
        }
    }

    #[test]
    fn given_a_returned_message_when_answered_then_all_behind_it_in_its_group_return_with_it() {
        let messages = [message("a"), message("b"), message("a"), message("a")];
        let fates =
            [MessageFate::Done, MessageFate::Done, MessageFate::Return(Instant(5_000)), MessageFate::Done];
        assert_eq!(returned(&messages, &fates, Instant(0)), [(2, Some(5)), (3, Some(5))]);
    }

    proptest! {
        #[test]
        fn given_any_fates_when_answered_then_exactly_the_failed_and_all_later_of_their_groups_return(
            batch in prop::collection::vec(("[abc]", any::<bool>()), 1..11),
        ) {
            let messages: Vec<_> = batch.iter().map(|(group, _)| message(group)).collect();
            let fates: Vec<_> = batch.iter()
                .map(|(_, ok)| if *ok { MessageFate::Done } else { MessageFate::Return(Instant(0)) }).collect();
            let answer: Vec<usize> = returned(&messages, &fates, Instant(0)).iter().map(|(place, _)| *place).collect();
            let wanted: Vec<usize> = (0..batch.len())
                .filter(|i| (0..=*i).any(|j| !batch[j].1 && batch[j].0 == batch[*i].0)).collect();
            prop_assert_eq!(answer, wanted);
        }
    }
}
