//! Look-ups that lie within each other, of several objects, orgs and lanes.

use super::*;
use rtr_testkit::world::ORG;

fn deals(world: &World) {
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\nroutes:\n  contact: [hubspot]\n  deal: [hubspot]\n"
    );
    let files = [
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("mappings/hubspot/deal.yaml", DEAL),
        ("orgs/acme.yaml", &org),
    ];
    world.configs.apply(&files).unwrap();
    let stage = |id: &str, label: &str| json!({"id": id, "label": label});
    set(
        world,
        &json!({"pipelines": {"deals": [
            {"id": "p1", "label": "Sales", "stages": [stage("won-1", "Won"), stage("lost-1", "Lost")]},
            {"id": "p2", "label": "Renewals", "stages": [stage("won-2", "Won")]},
        ]}}),
    );
}

fn deal(world: &World, id: &str, version: u64, pipeline: &str, stage: &str) -> Received {
    build::event(
        ORG,
        "deal",
        id,
        version,
        &json!({"name": id, "pipeline": pipeline, "stage": stage}),
        world.now(),
    )
}

/// The CRM's deals: name, pipeline, stage.
fn stages(world: &World) -> Vec<String> {
    let deals = world.crm.records("acme", "deals");
    let text = |deal: &Value, name: &str| deal["properties"][name].as_str().unwrap_or("-").to_owned();
    let mut stages: Vec<String> = deals
        .iter()
        .map(|deal| {
            format!("{} {} {}", text(deal, "dealname"), text(deal, "pipeline"), text(deal, "dealstage"))
        })
        .collect();
    stages.sort();
    stages
}

#[test]
fn given_deals_when_synced_then_each_stage_is_the_one_of_its_pipeline_by_one_question_for_all() {
    let world = world(CONTACT);
    deals(&world);
    let batch = [
        deal(&world, "a", 1, "Sales", "Won"),
        deal(&world, "b", 1, "renewals", "won"),
        deal(&world, "c", 1, "Renewals", "Lost"),
        deal(&world, "d", 1, "Partners", "Won"),
        contact(&world, "e", 1, "ada@x.io"),
    ];
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], report.counts["dead"], asked(&world)), (3, 2, (1, 1)));
    assert_eq!(stages(&world), ["a p1 won-1", "b p2 won-2"]);
    let why = |id: &str| world.item("deal", id).slot.unwrap().reason;
    assert_eq!((why("c").field.as_deref(), why("d").field.as_deref()), (Some("dealstage"), Some("pipeline")));
    assert_eq!(
        why("c").message,
        "HubSpot has no stage with the label in `dealstage`; add the stage in HubSpot, or give the field a `default`"
    );
    // A label that the table does not have is asked for again after a minute, and no sooner.
    set(
        &world,
        &json!({"pipelines": {"deals": [{"id": "p3", "label": "Partners", "stages": [{"id": "won-3", "label": "Won"}]}]}}),
    );
    world.clock.advance_ms(59_000);
    world.sync(&[deal(&world, "d", 2, "Partners", "Won")]);
    assert_eq!(asked(&world).1, 1);
    world.clock.advance_ms(1_000);
    assert_eq!(world.sync(&[deal(&world, "d", 3, "Partners", "Won")]).counts["applied"], 1);
    assert_eq!((asked(&world).1, stages(&world)[2].as_str()), (2, "d p3 won-3"));
}

#[test]
fn given_two_orgs_in_one_batch_when_synced_then_each_has_the_ids_of_its_own_account() {
    let world = world(CONTACT);
    let token = world.crm.token("other");
    world.secrets.put("rtr/test/other/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    world.crm.create_key("other", "contacts", &token);
    let settings =
        json!({"provider": "hubspot", "account": "other", "owners": [{"email": "ada@x.io", "id": "99"}]});
    world.crm.control("PUT", "/_sandbox/settings", &settings);
    let org = |name: &str| {
        format!(
            "org: {name}\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/{name}\nroutes:\n  contact: [hubspot]\n"
        )
    };
    let (acme, other) = (org("acme"), org("other"));
    let files = [
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("orgs/acme.yaml", &*acme),
        ("orgs/other.yaml", &*other),
    ];
    world.configs.apply(&files).unwrap();
    let of = |org: &str, id: &str, version: u64| {
        build::event(
            org,
            "contact",
            id,
            version,
            &json!({"email": "c@x.io", "owner": "ada@x.io"}),
            world.now(),
        )
    };
    for version in 1..=2 {
        world.sync(&[of("acme", "c", version), of("other", "c", version)]);
    }
    let owner =
        |account: &str| world.crm.records(account, "contacts")[0]["properties"]["hubspot_owner_id"].clone();
    assert_eq!((owner("acme"), owner("other")), (json!("51"), json!("99")));
    let asked = |account: &str| {
        let calls = world.crm.requests(account);
        calls.iter().filter(|call| call["path"].as_str().is_some_and(|path| path.contains("owners"))).count()
    };
    assert_eq!((asked("acme"), asked("other")), (1, 1));
}

#[test]
fn given_parked_and_backfilled_contacts_when_drained_then_their_owners_are_looked_up_by_one_question() {
    for backfill in [false, true] {
        let world = world(CONTACT);
        if !backfill {
            configure(&world, CONTACT, "    mode: paused\n");
        }
        for n in 0..12 {
            let owner = if n % 2 == 0 { "ada@x.io" } else { "bob@x.io" };
            let mut message = contact(&world, &format!("c{n:02}"), 1, owner);
            message.lane = backfill.then(|| "bulk".to_owned());
            // Parked on its second receive: a pause waits in the queue at first.
            let report = world.sync(&[Received { receive_count: 9, ..message }]);
            assert!(report.failed.is_empty(), "{report:?}");
        }
        configure(&world, CONTACT, "");
        world.clock.advance_ms(61_000);
        for _ in 0..5 {
            world.sweep();
            world.clock.advance_ms(10_000);
        }
        let owned = owned(&world);
        assert_eq!((owned.len(), owned[0].as_str(), owned[11].as_str()), (12, "c00@x.io 51", "c11@x.io 52"));
        assert!(asked(&world).0 <= 2, "{:?}", world.calls());
    }
}
