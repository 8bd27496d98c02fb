//! How long a message is unseen, and what its receipt is worth.

use super::{Ends, VISIBILITY_MS, bodies, deleted, hidden, message, receive, sent};

/// More than a message stays unseen, in milliseconds.
const OVER_MS: i64 = VISIBILITY_MS + 500;

/// The same message at its place, with its first receive remembered.
pub async fn given_a_message_not_deleted_when_its_time_is_over_then_it_comes_back_counted_with_a_new_receipt(
    ends: &dyn Ends,
) {
    sent(ends, &[message("a", "1"), message("a", "2")]).await;
    let first = receive(ends, 1).await;
    assert_eq!((first[0].receive_count, first[0].group.as_str()), (1, "a"));
    ends.pass_ms(VISIBILITY_MS / 2).await;
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
    ends.pass_ms(OVER_MS - VISIBILITY_MS / 2).await;
    let second = receive(ends, 10).await;
    assert_eq!(bodies(&second), ["1 of a", "2 of a"]);
    assert_eq!((second[0].receive_count, second[1].receive_count), (2, 1));
    assert_eq!(second[0].message_id, first[0].message_id);
    assert_eq!(second[0].first_received_at, first[0].first_received_at);
    assert_ne!(second[0].message_id, second[1].message_id);
    assert_ne!(second[0].receipt, first[0].receipt);
    assert!(second[1].first_received_at > second[0].first_received_at);
}

/// Longer or shorter than the queue's; the next receive has the queue's own again.
pub async fn given_a_visibility_when_set_then_it_counts_from_then_on_and_ends_at_once_with_0(
    ends: &dyn Ends,
) {
    sent(ends, &[message("longer", "1"), message("shorter", "1")]).await;
    let first = receive(ends, 10).await;
    ends.pass_ms(VISIBILITY_MS / 2).await;
    for (one, seconds) in first.iter().zip([3, 0]) {
        assert!(hidden(ends, one, seconds).await);
    }
    let again = receive(ends, 10).await;
    assert_eq!(bodies(&again), ["1 of shorter"]);
    // The queue's own would be over.
    ends.pass_ms(OVER_MS - VISIBILITY_MS / 2).await;
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
    ends.pass_ms(VISIBILITY_MS).await;
    let mut back = receive(ends, 10).await;
    back.sort_by(|one, other| one.body.cmp(&other.body));
    assert_eq!(bodies(&back), ["1 of longer", "1 of shorter"]);
    assert_eq!((back[0].receive_count, back[1].receive_count), (2, 3));
}

/// The receipt of the last receive is the only one that counts.
pub async fn given_a_message_received_again_when_deleted_by_its_old_receipt_then_it_stays(ends: &dyn Ends) {
    sent(ends, &[message("a", "1")]).await;
    let first = receive(ends, 1).await;
    assert!(hidden(ends, &first[0], 0).await);
    let second = receive(ends, 1).await;
    assert_eq!(second.len(), 1);
    assert!(ends.queue().delete(&[first[0].receipt.clone()]).await[0].is_err());
    assert!(!hidden(ends, &first[0], 0).await);
    assert_eq!(bodies(&receive(ends, 1).await), [""; 0]);
    deleted(ends, &second).await;
    ends.pass_ms(OVER_MS).await;
    assert_eq!(bodies(&receive(ends, 1).await), [""; 0]);
}

/// In a FIFO queue a receipt ends with the visibility, whether or not somebody has the message by then.
pub async fn given_a_receipt_whose_time_is_over_when_used_to_delete_then_it_is_refused_and_the_message_stays(
    ends: &dyn Ends,
) {
    sent(ends, &[message("a", "1")]).await;
    let first = receive(ends, 1).await;
    ends.pass_ms(OVER_MS).await;
    let answer = ends.queue().delete(&[first[0].receipt.clone()]).await;
    assert!(answer[0].is_err(), "an expired receipt deleted its message");
    assert_eq!(bodies(&receive(ends, 1).await), ["1 of a"]);
}

/// Who was too slow hides nothing from the next.
pub async fn given_a_receipt_whose_time_is_over_when_used_to_hide_then_it_is_refused(ends: &dyn Ends) {
    sent(ends, &[message("a", "1")]).await;
    let first = receive(ends, 1).await;
    ends.pass_ms(OVER_MS).await;
    assert!(!hidden(ends, &first[0], 60).await, "an expired receipt hid its message");
    assert_eq!(bodies(&receive(ends, 1).await), ["1 of a"]);
}

/// One bad entry harms no other, in calls of more than ten.
pub async fn given_receipts_that_were_never_given_when_used_then_each_is_refused_for_itself(ends: &dyn Ends) {
    let messages: Vec<_> = (0..12).map(|n| message(&format!("g{n}"), "1")).collect();
    sent(ends, &messages).await;
    let mut received = receive(ends, 10).await;
    received.extend(receive(ends, 10).await);
    let mut receipts: Vec<String> = received.into_iter().map(|one| one.receipt).collect();
    assert_eq!(receipts.len(), 12);
    receipts.insert(1, "nonsense".to_owned());
    receipts.insert(11, "m-r999999".to_owned());
    let good = |at: usize| at != 1 && at != 11;
    let visible: Vec<(String, i32)> = receipts.iter().map(|receipt| (receipt.clone(), 60)).collect();
    let answers = ends.queue().set_visibility(&visible).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), (0..14).map(good).collect::<Vec<_>>());
    let answers = ends.queue().delete(&receipts).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), (0..14).map(good).collect::<Vec<_>>());
    assert!(ends.queue().delete(&[]).await.is_empty() && ends.queue().set_visibility(&[]).await.is_empty());
}

/// Nor is there anything left to hide.
pub async fn given_a_deleted_message_when_time_goes_by_then_it_never_comes_back(ends: &dyn Ends) {
    sent(ends, &[message("a", "1"), message("a", "2")]).await;
    let first = receive(ends, 1).await;
    deleted(ends, &first).await;
    assert!(!hidden(ends, &first[0], 0).await);
    ends.pass_ms(OVER_MS).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["2 of a"]);
}

/// Twelve hours are the most; who asks for more changes nothing.
pub async fn given_a_visibility_beyond_twelve_hours_when_set_then_it_is_refused(ends: &dyn Ends) {
    sent(ends, &[message("a", "1")]).await;
    let first = receive(ends, 1).await;
    assert!(!hidden(ends, &first[0], 43_201).await, "more than twelve hours were taken");
    assert!(!hidden(ends, &first[0], -1).await, "less than none was taken");
    ends.pass_ms(OVER_MS).await;
    assert_eq!(bodies(&receive(ends, 1).await), ["1 of a"]);
}
