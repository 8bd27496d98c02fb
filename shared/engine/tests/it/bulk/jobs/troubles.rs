//! Jobs that fail, hang, are forgotten, or whose answers are lost; rows that are refused.

use super::*;

fn trouble(path: &str, method: &str, fault: &str, value: &Value, count: u32) -> Value {
    json!([{"provider": "salesforce", "account": "acme", "match": {"path": path, "method": method}, "fault": fault, "value": value, "count": count}])
}

/// Everything is there in the end, once, and nothing of the job is left.
#[track_caller]
fn assert_settled(world: &World, records: usize) {
    assert_eq!((left(world), lane(world).note, lane(world).runs), (0, None, 0), "{:?}", asked(world, 0));
    assert_eq!(values(world, "LastName"), vec!["v1".to_owned(); records]);
    assert_eq!(world.records.state().claims.len(), records);
    assert!(world.records.state().bodies.is_empty());
}

#[test]
fn given_a_row_that_is_refused_when_the_job_ends_then_it_alone_is_dead_and_its_field_is_named() {
    let world = salesforce(5);
    set_mode(&world, "paused", MAPPING);
    bring(&world, &ids(5), 1);
    world.sync(&[world.contact("bad", 1, &json!({"email": "nowhere", "first_name": "v1"}))]);
    set_mode(&world, "live", MAPPING);
    pass_minutes(&world, 2);
    let dead = slot(&world, "bad");
    assert_eq!((dead.state, dead.reason.code), (SlotState::Dead, Code::Invalid));
    assert_eq!(dead.reason.field.as_deref(), Some("Email"));
    assert!(!dead.reason.message.contains("nowhere"), "{}", dead.reason.message);
    assert!(dead.reason.crm_message.is_some_and(|words| words.contains("nowhere")));
    let calls = asked(&world, 0);
    assert_eq!((left(&world), values(&world, "LastName").len()), (1, 5));
    assert_eq!((count(&calls, "POST /jobs/ingest"), count(&calls, "/composite/")), (1, 0), "{calls:?}");
}

#[test]
fn given_a_linked_record_that_is_gone_when_the_job_ends_then_a_call_of_its_own_makes_it_anew() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(6), 1);
    pass_minutes(&world, 2);
    let gone = world.item("contact", "c0003").external_id.unwrap();
    let token = world.crm.token_of("salesforce", "acme");
    let path = format!("/salesforce/acme/services/data/v62.0/sobjects/Contact/{gone}");
    world.crm.ask("DELETE", &path, &token, &Value::Null);
    park_at_salesforce(&world, &ids(6), 2);
    pass_minutes(&world, 2);
    assert_eq!((left(&world), values(&world, "LastName")), (0, vec!["v2".to_owned(); 6]));
    assert_ne!(world.item("contact", "c0003").external_id, Some(gone));
}

#[test]
fn given_a_job_that_fails_on_the_way_when_it_has_ended_then_the_rest_goes_by_calls_and_by_no_second_job() {
    for after in [0, 2, 4] {
        let world = salesforce(5);
        ingest(&world, &json!({"fails_after": after}));
        park_at_salesforce(&world, &ids(5), 1);
        pass_minutes(&world, 2);
        assert_settled(&world, 5);
        let calls = asked(&world, 0);
        let written = count(&calls, "/composite/") + count(&calls, "PATCH /sobjects/");
        assert_eq!((count(&calls, "POST /jobs/ingest"), written), (1, 1), "{calls:?}");
    }
}

#[test]
fn given_a_field_that_is_not_there_when_the_job_fails_as_a_whole_then_each_record_is_dead_with_its_reason() {
    let world = salesforce(5);
    let mapping = format!("{MAPPING}  Nope__c: email\n");
    set_mode(&world, "paused", &mapping);
    bring(&world, &ids(5), 1);
    set_mode(&world, "live", &mapping);
    pass_minutes(&world, 2);
    for id in ids(5) {
        let dead = slot(&world, &id);
        assert_eq!((dead.state, dead.reason.code), (SlotState::Dead, Code::Invalid));
        assert_eq!(dead.reason.field.as_deref(), Some("Nope__c"));
    }
    assert_eq!(lane(&world).note, None);
}

#[test]
fn given_a_connection_that_is_paused_meanwhile_when_it_is_live_again_then_the_results_are_read() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(5), 1);
    once(&world);
    let before = world.crm.requests_of("salesforce", "acme").len();
    set_mode(&world, "paused", MAPPING);
    pass_minutes(&world, 9 * 60);
    assert_eq!((asked(&world, before).len(), left(&world)), (0, 5));
    set_mode(&world, "live", MAPPING);
    pass_minutes(&world, 3);
    assert_settled(&world, 5);
    assert_eq!(count(&asked(&world, before), "/composite/"), 0);
}

#[test]
fn given_a_start_that_is_lost_in_any_way_when_looked_at_again_then_nothing_is_lost_and_nothing_is_there_twice()
 {
    for (fault, value) in [
        ("drop_after_commit", json!(null)),
        ("drop_then_commit", json!(5_000)),
        ("drop_then_commit", json!(40_000)),
        ("refuse", json!(null)),
        ("truncate", json!(3)),
        ("status", json!(503)),
        ("status", json!(500)),
    ] {
        let world = salesforce(5);
        park_at_salesforce(&world, &ids(5), 1);
        world.crm.control("PUT", "/_sandbox/faults", &trouble("*/jobs/ingest/*", "PATCH", fault, &value, 1));
        pass_minutes(&world, 10);
        assert_settled(&world, 5);
    }
}

#[test]
fn given_calls_that_fail_around_the_job_when_asked_again_then_everything_is_there_once() {
    let paths = [
        ("*/jobs/ingest", "POST"),
        ("*/batches", "PUT"),
        ("*/jobs/ingest/*", "PATCH"),
        ("*/jobs/ingest/*", "GET"),
        ("*/successfulResults", "GET"),
    ];
    for (path, method) in paths {
        for (fault, value, count) in [
            ("status", json!(503), 7),
            ("status", json!(403), 2),
            ("status", json!(404), 1),
            ("drop_after_commit", json!(null), 7),
            ("html", json!(200), 3),
            ("truncate", json!(null), 3),
            ("expire_token", json!(null), 1),
        ] {
            let world = salesforce(5);
            if fault == "expire_token" && method == "POST" {
                continue;
            }
            park_at_salesforce(&world, &ids(5), 1);
            let faults =
                if fault == "expire_token" { json!([]) } else { trouble(path, method, fault, &value, count) };
            world.crm.control("PUT", "/_sandbox/faults", &faults);
            pass_minutes(&world, 60 * 8);
            assert_settled(&world, 5);
        }
    }
}

#[test]
fn given_results_that_nobody_can_read_any_more_when_the_time_has_come_then_the_records_go_by_calls() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(5), 1);
    once(&world);
    let held = held_until(&world);
    set_mode(&world, "paused", MAPPING);
    world.clock.advance_ms(8 * 24 * HOUR_MS);
    set_mode(&world, "live", MAPPING);
    assert!(world.now() > held);
    pass_minutes(&world, 10);
    assert_settled(&world, 5);
}

#[test]
fn given_a_job_that_hangs_when_its_hour_is_over_then_it_is_stopped_and_its_records_go_by_calls_after_a_rest()
{
    let world = salesforce(5);
    ingest(&world, &json!({"takes_ms": 20 * HOUR_MS}));
    park_at_salesforce(&world, &ids(5), 1);
    pass_minutes(&world, 58);
    assert_eq!((left(&world), values(&world, "LastName").len()), (5, 0));
    let looks = count(&asked(&world, 0), "GET /jobs/ingest/JOB");
    assert!((50..120).contains(&looks), "{looks} looks in an hour");
    pass_minutes(&world, 4);
    assert_eq!(slot(&world, "c0000").reason.code, Code::InJob);
    assert_eq!((left(&world), world.item("contact", "c0000").applied_hash), (5, None));
    pass_minutes(&world, 8);
    assert_settled(&world, 5);
}

#[test]
fn given_credentials_that_are_revoked_during_the_job_when_new_ones_come_then_the_results_are_read() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(5), 1);
    once(&world);
    let revoke = json!({"provider": "salesforce", "account": "acme", "action": "revoke"});
    world.crm.control("POST", "/_sandbox/tokens", &revoke);
    pass_minutes(&world, 30);
    assert_eq!(left(&world), 5);
    let token = world.crm.token_of("salesforce", "acme");
    world.secrets.put("rtr/test/acme/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    pass_minutes(&world, 10);
    assert_settled(&world, 5);
    assert_eq!(count(&asked(&world, 0), "/composite/"), 0);
}

#[test]
fn given_rows_that_are_locked_when_the_job_ends_then_they_go_by_calls_and_not_by_another_job() {
    let world = salesforce(5);
    let mapping = format!("{MAPPING}  AccountId: account\n");
    let token = world.crm.token_of("salesforce", "acme");
    let make = |object: &str, values: &Value| {
        let path = format!("/salesforce/acme/services/data/v62.0/sobjects/{object}");
        world.crm.ask("POST", &path, &token, values)["id"].as_str().unwrap().to_owned()
    };
    let account = make("Account", &json!({"Name": "Parent"}));
    control(&world, "settings", json!({"row_locks": {"hold_ms": 75_000}}));
    set_mode(&world, "paused", &mapping);
    for id in ids(6) {
        let data = json!({"email": format!("{id}@x.io"), "first_name": "v1", "account": account});
        world.sync(&[world.contact(&id, 1, &data)]);
    }
    set_mode(&world, "live", &mapping);
    // Somebody else is at a child of the same parent when the job comes to its rows.
    make("Contact", &json!({"LastName": "v1", "AccountId": account}));
    control(&world, "settings", json!({"row_locks": {"hold_ms": 0}}));
    once(&world);
    pass_minutes(&world, 3);
    let calls = asked(&world, 0);
    assert_eq!((left(&world), values(&world, "LastName")), (0, vec!["v1".to_owned(); 7]));
    assert_eq!(count(&calls, "POST /jobs/ingest"), 1, "{calls:?}");
}

#[test]
fn given_an_invocation_without_time_when_rows_are_to_be_settled_then_the_next_one_goes_on() {
    let world = salesforce(5);
    park_at_salesforce(&world, &ids(5), 1);
    once(&world);
    world.clock.advance_ms(20_000);
    // The lists come slowly: when they are there, the time is over.
    let slow = trouble("*/successfulResults", "GET", "latency", &json!(55_000), 1);
    world.crm.control("PUT", "/_sandbox/faults", &slow);
    once(&world);
    assert!(lane(&world).note.is_some());
    pass_minutes(&world, 3);
    assert_settled(&world, 5);
    assert_eq!(count(&asked(&world, 0), "/composite/"), 0);
}
