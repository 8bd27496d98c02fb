//! One org's dead or limited CRM is nobody else's trouble, and costs little once it is back.

use rtr_simulation::crowd::{Bounds, Crm, Crowd, Figures, Trouble, judge};
use rtr_simulation::place::{Place, set};

const CROWD: Crowd = Crowd {
    blocked: 3_000,
    other: 500,
    over_ms: 50_000,
    crm: Crm::HubSpot,
    trouble: Trouble::Down(600_000),
    pollers: 50,
    seed: 1,
};

/// What is measured with the crowd, and judged as `make bench-crowd` judges it, but for what a small crowd cannot keep to.
fn among(crowd: Crowd) -> Figures {
    let place = Place::crowded().unwrap();
    let alone = Crowd { blocked: 0, ..crowd }.run(&place).unwrap();
    let figures = crowd.run(&place).unwrap();
    println!("{crowd:?}: {figures}");
    let verdict = judge(&crowd, &small(&crowd), &figures, &alone);
    assert_eq!(verdict.beyond, Vec::<String>::new(), "{alone}\n{figures}");
    figures
}

/// The lines of a crowd that is a seventh of the one that they are drawn for.
fn small(crowd: &Crowd) -> Bounds {
    let bounds = Bounds::of(crowd);
    Bounds {
        calls_each: match (crowd.trouble, crowd.crm) {
            // Sixty records change in a second, and a call goes in each: it takes what has come, which is no full batch.
            (Trouble::Limited, _) => 0.025,
            (Trouble::Stalls(_), _) => 0.025,
            // The calls after an outage that go one by one, each with few records, are as many as for a large crowd; here
            // they are shared by fewer records.
            (_, Crm::HubSpot) => 0.015,
            (_, Crm::Salesforce) => 0.01,
        },
        // Salesforce takes so many at once that it has nothing to do in between.
        limit_is_short: bounds.limit_is_short && crowd.crm == Crm::HubSpot,
        ..bounds
    }
}

#[test]
fn given_an_orgs_crm_that_is_down_when_thousands_of_its_records_change_then_another_org_feels_nothing_and_full_calls_catch_up()
 {
    let figures = among(CROWD);
    assert!(figures.calls_down <= 60, "{figures}");
}

#[test]
fn given_an_orgs_salesforce_that_is_down_when_thousands_of_its_records_change_then_a_few_calls_catch_up() {
    let figures = among(Crowd { crm: Crm::Salesforce, ..CROWD });
    assert!(figures.calls_down <= 60, "{figures}");
    assert!(figures.jobs > 0, "{figures}");
}

#[test]
fn given_an_orgs_crm_that_takes_a_call_a_second_when_more_changes_come_then_another_org_feels_nothing_and_it_is_hardly_refused()
 {
    for crm in [Crm::HubSpot, Crm::Salesforce] {
        among(Crowd { trouble: Trouble::Limited, crm, ..CROWD });
    }
}

#[test]
fn given_a_limit_that_is_configured_too_high_when_more_changes_come_than_the_crm_takes_then_another_org_feels_nothing()
 {
    for crm in [Crm::HubSpot, Crm::Salesforce] {
        let figures = among(Crowd { trouble: Trouble::Misjudged, crm, ..CROWD });
        assert!(figures.refused > 0, "the CRM keeps its limit: {figures}");
    }
}

#[test]
fn given_an_orgs_crm_that_does_not_answer_when_thousands_of_its_records_change_then_another_org_feels_nothing()
 {
    for crm in [Crm::HubSpot, Crm::Salesforce] {
        // All of its calls, or some of them: those that come back tell nothing of those that do not.
        for trouble in [Trouble::Hangs(600_000), Trouble::Stalls(600_000)] {
            among(Crowd { trouble, crm, ..CROWD });
        }
    }
}

#[test]
fn given_a_trouble_that_the_sandbox_does_not_take_when_set_then_it_is_said() {
    let mut place = Place::crowded().unwrap();
    let limit = serde_json::json!([{"provider": "hubspot", "account": "umbra", "api": "*", "requests": 1}]);
    let said = set(&mut place.crm, 0, "/_sandbox/limits", &limit);
    assert!(said.is_err_and(|why| why.contains("400")), "a limit of another shape sets nothing");
}
