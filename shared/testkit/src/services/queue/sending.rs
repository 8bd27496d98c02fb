//! What is taken, and what of it is delivered.

use super::{Ends, bodies, deleted, message, receive, sent};
use rtr_engine::seams::{Outbound, QueueName};
use std::collections::BTreeMap;

/// How long an id is remembered, in milliseconds.
const DEDUPLICATION_MS: i64 = 300_000;

/// Whether it waits or is in hand; in the same call too. What was sent first is what arrives.
pub async fn given_a_repeat_in_its_group_when_sent_then_it_is_taken_and_not_delivered(ends: &dyn Ends) {
    let first = message("a", "1");
    let other_body = Outbound { body: "another".to_owned(), lane: Some("bulk".to_owned()), ..first.clone() };
    sent(ends, &[first.clone(), other_body.clone(), first.clone()]).await;
    sent(ends, std::slice::from_ref(&other_body)).await;
    let received = receive(ends, 10).await;
    assert_eq!((bodies(&received), &received[0].lane), (vec!["1 of a"], &None));
    sent(ends, &[other_body, message("a", "2")]).await;
    deleted(ends, &received).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["2 of a"]);
}

/// The id is remembered beyond the message.
pub async fn given_a_repeat_of_what_was_deleted_when_sent_then_it_is_not_delivered_either(ends: &dyn Ends) {
    sent(ends, &[message("a", "1")]).await;
    deleted(ends, &receive(ends, 1).await).await;
    sent(ends, &[message("a", "1"), message("a", "2")]).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["2 of a"]);
}

/// The scope of an id is its group.
pub async fn given_the_same_id_in_another_group_when_sent_then_it_is_delivered(ends: &dyn Ends) {
    sent(ends, &[message("a", "1"), message("b", "1")]).await;
    sent(ends, &[message("c", "1"), message("a", "1")]).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["1 of a", "1 of b", "1 of c"]);
}

/// Five minutes from the first; repeats in between do not prolong it.
pub async fn given_a_repeat_after_five_minutes_when_sent_then_it_is_delivered(ends: &dyn Ends) {
    sent(ends, &[message("a", "1")]).await;
    deleted(ends, &receive(ends, 1).await).await;
    ends.pass_ms(DEDUPLICATION_MS - 1).await;
    sent(ends, &[message("a", "1")]).await;
    assert_eq!(bodies(&receive(ends, 10).await), [""; 0]);
    ends.pass_ms(1).await;
    sent(ends, &[message("a", "1")]).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["1 of a"]);
}

/// More than one request takes, in the order of sending within each group.
pub async fn given_more_than_ten_when_sent_then_all_arrive_with_body_group_and_lane(ends: &dyn Ends) {
    assert!(ends.queue().send(QueueName::Changes, &[]).await.is_empty());
    let messages: Vec<Outbound> = (0..23)
        .map(|n| Outbound {
            trace: None,
            body: format!("{n:02} é"),
            group: format!("g{}", n % 3),
            deduplication_id: format!("d{n}"),
            lane: (n % 2 == 0).then(|| "bulk".to_owned()),
        })
        .collect();
    sent(ends, &messages).await;
    let mut found: BTreeMap<String, Vec<Outbound>> = BTreeMap::new();
    loop {
        let received = receive(ends, 10).await;
        if received.is_empty() {
            break;
        }
        for one in &received {
            let (body, group, lane) = (one.body.clone(), one.group.clone(), one.lane.clone());
            let same = messages.iter().find(|message| message.body == body).unwrap();
            let message =
                Outbound { trace: None, deduplication_id: same.deduplication_id.clone(), body, group, lane };
            found.entry(one.group.clone()).or_default().push(message);
        }
        deleted(ends, &received).await;
    }
    for group in ["g0", "g1", "g2"] {
        let expected: Vec<&Outbound> = messages.iter().filter(|message| message.group == group).collect();
        assert_eq!(found[group].iter().collect::<Vec<_>>(), expected);
    }
}

/// Four queues, each with ids of its own.
pub async fn given_messages_when_sent_to_each_queue_then_the_others_have_none_of_them(ends: &dyn Ends) {
    for (to, body) in
        [(QueueName::DeadLetter, "dead"), (QueueName::Bulk, "baton"), (QueueName::Inbound, "notice")]
    {
        let other = Outbound { body: body.to_owned(), ..message("a", "1") };
        assert_eq!(ends.queue().send(to, &[other]).await, [Ok(())]);
    }
    sent(ends, &[message("a", "1")]).await;
    assert_eq!(bodies(&receive(ends, 10).await), ["1 of a"]);
    assert_eq!(bodies(&ends.receive(QueueName::DeadLetter, 10).await), ["dead"]);
    assert_eq!(bodies(&ends.receive(QueueName::Bulk, 10).await), ["baton"]);
    assert_eq!(bodies(&ends.receive(QueueName::Inbound, 10).await), ["notice"]);
}

/// `bad` between two others: it is refused for itself, and they arrive.
async fn refused_alone(ends: &dyn Ends, bad: Outbound) {
    let call = [message("a", "1"), bad, message("a", "2")];
    let answers = ends.queue().send(QueueName::Changes, &call).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true], "refused alone");
    assert_eq!(bodies(&receive(ends, 10).await), ["1 of a", "2 of a"]);
}

/// A message has 1 MiB at most.
pub async fn given_a_message_over_1_mib_when_sent_then_it_alone_is_refused(ends: &dyn Ends) {
    let largest = Outbound { body: "x".repeat(1_048_576), ..message("large", "1") };
    sent(ends, &[largest]).await;
    let received = receive(ends, 1).await;
    assert_eq!(received[0].body.len(), 1_048_576);
    deleted(ends, &received).await;
    refused_alone(ends, Outbound { body: "x".repeat(1_048_577), ..message("a", "large") }).await;
}

/// A message has one character at least.
pub async fn given_an_empty_message_when_sent_then_it_alone_is_refused(ends: &dyn Ends) {
    refused_alone(ends, Outbound { body: String::new(), ..message("a", "empty") }).await;
}

/// Groups and ids are 1 to 128 characters of ASCII that can be seen.
pub async fn given_a_group_or_id_that_sqs_does_not_take_when_sent_then_it_alone_is_refused(ends: &dyn Ends) {
    for (group, id) in
        [("é", "d"), ("a b", "d"), (&*"g".repeat(129), "d"), ("a", "é"), ("a", &*"d".repeat(129))]
    {
        let answers = ends.queue().send(QueueName::Changes, &[message(group, id)]).await;
        assert!(answers[0].is_err(), "taken though SQS takes it not: {group} {id}");
    }
    refused_alone(ends, message("", "d")).await;
}
