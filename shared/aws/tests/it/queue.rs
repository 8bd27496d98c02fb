use crate::stack::{make_queue, with_stack};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use rtr_aws::clients::Clients;
use rtr_aws::queue::SqsQueue;
use rtr_core::ingest::read_event;
use rtr_engine::seams::{NotTaken, Outbound, Outlet, Queue, QueueName};
use std::collections::BTreeMap;

async fn receive(clients: &Clients, url: &str) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let asked = clients.sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let asked = asked.message_attribute_names("All").visibility_timeout(60);
        let got = asked.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap();
        match got.messages.unwrap_or_default() {
            none if none.is_empty() => return all,
            some => all.extend(some),
        }
    }
}

#[test]
fn given_messages_when_sent_then_all_arrive_with_group_lane_and_order() {
    with_stack(async |clients, name| {
        let changes = make_queue(&clients, &format!("{name}.fifo")).await;
        let dead = make_queue(&clients, &format!("{name}-dead.fifo")).await;
        let queue = SqsQueue::new(&clients, &changes, &dead, &dead, &dead, &dead);
        let messages: Vec<Outbound> = (0..23)
            .map(|n| Outbound {
                trace: None,
                body: format!("{n} é"),
                group: format!("g{n}"),
                deduplication_id: format!("d{n}"),
                lane: (n % 2 == 0).then(|| "bulk".to_owned()),
            })
            .collect();
        assert!(queue.send(QueueName::Changes, &messages).await.iter().all(Result::is_ok));
        assert!(queue.send(QueueName::Changes, &messages[..1]).await.iter().all(Result::is_ok));
        let large = Outbound { body: "x".repeat(700_000), ..messages[0].clone() };
        let next =
            Outbound { body: "y".repeat(700_000), deduplication_id: "next".to_owned(), ..large.clone() };
        let sent = queue.send(QueueName::DeadLetter, &[large, next]).await;
        assert!(sent.iter().all(Result::is_ok), "{sent:?}");

        let got = receive(&clients, &changes).await;
        assert_eq!(got.len(), 23); // the repeated one is deduplicated
        let by_body: BTreeMap<String, &Message> =
            got.iter().map(|message| (message.body.clone().unwrap(), message)).collect();
        for message in &messages {
            let got = by_body[&message.body];
            let group = &got.attributes.as_ref().unwrap()[&MessageSystemAttributeName::MessageGroupId];
            let lane = got.message_attributes.as_ref().and_then(|all| all.get("lane"));
            assert_eq!(group, &message.group);
            assert_eq!(lane.and_then(|lane| lane.string_value.clone()), message.lane);
        }
        let large = receive(&clients, &dead).await;
        let order: Vec<_> = large.iter().map(|message| &message.body.as_ref().unwrap()[..1]).collect();
        assert_eq!(order, ["x", "y"]);
        for url in [changes, dead] {
            clients.sqs.delete_queue().queue_url(url).send().await.unwrap();
        }
    });
}

#[test]
fn given_receipts_when_deleted_or_made_visible_then_each_answer_is_its_own() {
    with_stack(async |clients, name| {
        let url = make_queue(&clients, &format!("{name}.fifo")).await;
        let queue = SqsQueue::new(&clients, &url, &url, &url, &url, &url);
        let message = |n: usize| Outbound {
            trace: None,
            body: n.to_string(),
            group: format!("g{n}"),
            deduplication_id: format!("d{n}"),
            lane: None,
        };
        let messages: Vec<Outbound> = (0..12).map(message).collect();
        assert!(queue.send(QueueName::Changes, &messages).await.iter().all(Result::is_ok));
        let got = receive(&clients, &url).await;
        let receipts: Vec<String> = got.into_iter().map(|message| message.receipt_handle.unwrap()).collect();
        assert_eq!(receipts.len(), 12);

        let mut visible = vec![(receipts[0].clone(), 0), (receipts[1].clone(), 0)];
        visible.insert(1, ("nonsense".to_owned(), 0));
        let answers = queue.set_visibility(&visible).await;
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert!(queue.delete(&receipts[2..]).await.iter().all(Result::is_ok));
        assert_eq!(receive(&clients, &url).await.len(), 2);
        assert!(queue.delete(&[]).await.is_empty() && queue.set_visibility(&[]).await.is_empty());
        clients.sqs.delete_queue().queue_url(url).send().await.unwrap();
    });
}

#[test]
fn given_entries_when_offered_then_each_has_its_messages_id_and_a_repeat_has_the_firsts() {
    with_stack(async |clients, name| {
        let changes = make_queue(&clients, &format!("{name}.fifo")).await;
        let queue = SqsQueue::new(&clients, &changes, &changes, &changes, &changes, &changes);
        let event = |id: &str| {
            let text = format!(
                r#"{{"org_id":"a","record_type":"c","record_id":"{id}","version":1,"data":{{"t":"é"}}}}"#
            );
            read_event(&text, 0).unwrap()
        };
        let entries = [event("1"), event("2"), event("1")];
        let offered = queue.offer(&entries.iter().collect::<Vec<_>>()).await;
        let ids: Vec<String> = offered.into_iter().map(Result::unwrap).collect();
        assert!(ids[0] != ids[1] && ids[0] == ids[2], "{ids:?}");
        let got = receive(&clients, &changes).await;
        let got: BTreeMap<String, &Message> =
            got.iter().map(|message| (message.message_id.clone().unwrap(), message)).collect();
        assert_eq!(got.len(), 2);
        assert_eq!(got[&ids[1]].body.as_ref().unwrap(), &entries[1].body);
        clients.sqs.delete_queue().queue_url(&changes).send().await.unwrap();
        let gone = queue.offer(&[&entries[0]]).await;
        assert!(matches!(&gone[..], [Err(NotTaken::Unavailable(_))]), "{gone:?}");
    });
}
