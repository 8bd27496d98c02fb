//! The same events again and again: what producers do when in doubt. They cost a read and nothing else.

use crate::CONTACT;
use crate::stack::{Event, Org, Plan, Stack, eventually, same};
use serde_json::json;

const RECORDS: usize = 100;
const REPEATS: usize = 10;

fn events(org: &Org<'_>, version: u64) -> Vec<Event> {
    let event = |n: usize| {
        let data = json!({"email": format!("p{n:03}@x.example"), "first_name": format!("v{version}")});
        org.contact(&format!("r{n:03}"), version, &data)
    };
    (0..RECORDS).map(event).collect()
}

#[test]
fn given_a_thousand_events_sent_again_when_all_have_been_seen_then_the_crm_and_the_tables_were_left_alone() {
    let stack = Stack::here();
    let org = Plan::new("again").mapping("contact", CONTACT).ready(&stack);
    let crm = org.crm();
    let first = events(&org, 1);
    stack.publish(&first);
    eventually("the first load", || same(crm.records("contacts").len(), RECORDS));
    eventually("every link is written", || {
        let writes = stack.aws_calls(0, &org.id);
        let links: u64 = writes.items("DynamoDB.TransactWriteItems").iter().sum();
        if links >= 2 * RECORDS as u64 { Ok(()) } else { Err(format!("{links} items of links and claims")) }
    });

    let (crm_mark, aws_mark) = (crm.mark(), stack.aws_mark());
    for _ in 0..REPEATS {
        stack.publish(&first.iter().map(Event::again).collect::<Vec<_>>());
    }
    // Behind the ten repeats of each record stands a newer version, in the same message group: once the CRM has that, all
    // repeats have been through the function, since a group's messages are worked in their order.
    stack.publish(&events(&org, 2));
    eventually("the newer versions", || {
        same(crm.values("contacts", "firstname"), vec!["v2".to_owned(); RECORDS])
    });

    let requests = crm.requests(crm_mark);
    let items: u64 = requests.iter().map(|request| request.items).sum();
    assert_eq!(items, RECORDS as u64, "the newer versions alone were told to the CRM: {requests:#?}");
    for n in 0..RECORDS {
        let of_record = format!("{}#contact#r{n:03}", org.id);
        let calls = eventually("the newer version's ending", || {
            let calls = stack.aws_calls(aws_mark, &of_record);
            if calls.record_writes() > 0 { Ok(calls) } else { Err(format!("{:?}", calls.by_operation())) }
        });
        assert_eq!(calls.record_writes(), 1, "r{n:03}: {:?}", calls.by_operation());
        assert!(calls.calls("DynamoDB.BatchGetItem") >= 1);
    }
}
