//! Jobs whose records have an owner that is looked up.

use super::*;

const OWNED: &str = "object: Contact\nfields:\n  LastName: first_name\n  Email: email\n  OwnerId: {from: \"'ADA@example.org'\", lookup: owner}\n";

#[test]
fn given_parked_contacts_with_an_owner_when_a_job_takes_them_then_he_is_looked_up_once_and_stands_in_every_row()
 {
    let world = salesforce(5);
    set_mode(&world, "paused", OWNED);
    bring(&world, &ids(20), 1);
    assert_eq!(asked(&world, 0), Vec::<String>::new(), "a paused connection is asked for nothing");
    set_mode(&world, "live", OWNED);
    pass_minutes(&world, 3);
    let calls = asked(&world, 0);
    assert_eq!((count(&calls, "/query"), count(&calls, "/jobs/ingest 200")), (1, 1), "{calls:?}");
    let users = world.crm.records_of("salesforce", "acme", "User");
    let ada = users.iter().find(|user| user["properties"]["Email"] == "ada@example.org").unwrap();
    let ada = ada["id"].as_str().unwrap().to_owned();
    assert_eq!((left(&world), values(&world, "OwnerId")), (0, vec![ada; 20]));
}
