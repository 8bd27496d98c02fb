//! Order within a group, and whom it keeps waiting.

use super::{Ends, VISIBILITY_MS, bodies, deleted, hidden, message, receive, sent};

/// Each only when the one before it is deleted.
pub async fn given_a_group_when_received_one_by_one_then_its_order_is_that_of_sending(ends: &dyn Ends) {
    sent(ends, &["1", "2", "3"].map(|id| message("a", id))).await;
    for expected in ["1 of a", "2 of a", "3 of a"] {
        let received = receive(ends, 1).await;
        assert_eq!(bodies(&received), [expected]);
        assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
        deleted(ends, &received).await;
    }
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
}

/// A batch is filled from one group as far as it goes; each group's part of it begins with its first message.
pub async fn given_a_group_when_received_in_a_batch_then_its_messages_come_together_in_order(
    ends: &dyn Ends,
) {
    let messages = [("a", "1"), ("b", "1"), ("a", "2"), ("a", "3"), ("b", "2")];
    sent(ends, &messages.map(|(group, id)| message(group, id))).await;
    let received = receive(ends, 10).await;
    let of = |group: &str| -> Vec<&str> {
        let here = received.iter().filter(|one| one.group == group);
        here.map(|one| one.body.as_str()).collect()
    };
    assert_eq!(of("a"), ["1 of a", "2 of a", "3 of a"]);
    assert_eq!(of("b"), ["1 of b", "2 of b"]);
    assert_eq!(received.len(), 5);
}

/// Nobody else gets what is behind a message in hand; what is in other groups is no concern of it.
pub async fn given_a_message_in_hand_when_received_then_its_group_is_closed_and_others_are_open(
    ends: &dyn Ends,
) {
    sent(ends, &[message("a", "1"), message("a", "2"), message("b", "1")]).await;
    let first = receive(ends, 1).await;
    assert_eq!(bodies(&first), ["1 of a"]);
    assert_eq!(bodies(&receive(ends, 10).await), ["1 of b"]);
    sent(ends, &[message("a", "3"), message("b", "2"), message("c", "1")]).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["1 of c"]);
    deleted(ends, &first).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["2 of a", "3 of a"]);
}

/// As long as one of them is in hand nothing of the group is received.
pub async fn given_a_batch_of_which_one_is_deleted_when_received_then_the_group_opens_with_the_last_of_it(
    ends: &dyn Ends,
) {
    sent(ends, &["1", "2", "3"].map(|id| message("a", id))).await;
    let batch = receive(ends, 2).await;
    assert_eq!(bodies(&batch), ["1 of a", "2 of a"]);
    deleted(ends, &batch[..1]).await;
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
    deleted(ends, &batch[1..]).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["3 of a"]);
}

/// Messages in flight block the delivery of those of their group that are not, also of those before them.
pub async fn given_the_first_of_a_batch_made_visible_when_received_then_those_in_hand_keep_the_group_closed(
    ends: &dyn Ends,
) {
    sent(ends, &["1", "2"].map(|id| message("a", id))).await;
    let batch = receive(ends, 2).await;
    assert!(hidden(ends, &batch[0], 0).await);
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
    ends.pass_ms(VISIBILITY_MS + 500).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["1 of a", "2 of a"]);
}
