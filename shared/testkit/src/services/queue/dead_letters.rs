//! The native redrive policy: what was received too often is moved.

use super::{Ends, MAX_RECEIVES, bodies, deleted, hidden, message, receive, sent};
use rtr_engine::seams::{Outbound, QueueName};

/// Receives the first of the queue as often as the policy allows, each time made visible at once.
async fn worn_out(ends: &dyn Ends, expected: &str) {
    for count in 1..=MAX_RECEIVES {
        assert_eq!(bodies(&ends.receive(QueueName::DeadLetter, 10).await), [""; 0]);
        let received = receive(ends, 1).await;
        assert_eq!((bodies(&received), received[0].receive_count), (vec![expected], count));
        assert!(hidden(ends, &received[0], 0).await);
    }
}

/// Body, group and lane are as they were sent; a redrive has all it needs.
pub async fn given_a_message_received_too_often_when_received_once_more_then_it_is_a_dead_letter_as_it_was_sent(
    ends: &dyn Ends,
) {
    let poison = Outbound { lane: Some("bulk".to_owned()), ..message("a", "1") };
    sent(ends, &[poison]).await;
    worn_out(ends, "1 of a").await;
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
    let dead = ends.receive(QueueName::DeadLetter, 10).await;
    assert_eq!(bodies(&dead), ["1 of a"]);
    assert_eq!((dead[0].group.as_str(), dead[0].lane.as_deref()), ("a", Some("bulk")));
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
}

/// What is behind a dead letter overtakes it; the same event may come again behind that.
pub async fn given_a_dead_letter_when_its_group_is_received_then_the_successor_comes(ends: &dyn Ends) {
    sent(ends, &[message("a", "1"), message("a", "2"), message("b", "1")]).await;
    worn_out(ends, "1 of a").await;
    let received = receive(ends, 10).await;
    assert_eq!(bodies(&received), ["2 of a", "1 of b"]);
    assert_eq!(received[0].receive_count, 1);
    deleted(ends, &received).await;
    assert_eq!(bodies(&ends.receive(QueueName::DeadLetter, 10).await), ["1 of a"]);
}
