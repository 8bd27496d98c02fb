//! One org's dead or limited CRM is nobody else's trouble, and costs little once it is back.

use rtr_simulation::crowd::{Crm, Crowd, Figures, Trouble};
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

/// What is measured with the crowd, which must hold whatever its CRM does. Once as good as alone: the other org's events.
fn among(crowd: Crowd) -> Figures {
    let place = Place::crowded().unwrap();
    let alone = Crowd { blocked: 0, ..crowd }.run(&place).unwrap();
    let figures = crowd.run(&place).unwrap();
    println!("{crowd:?}: {figures}");
    assert_eq!(figures.violations, []);
    assert_eq!((figures.landed, figures.dead), (crowd.blocked as usize, 0), "{figures}");
    assert_eq!(figures.other_ms.len(), alone.other_ms.len());
    assert!(figures.within(50) * 10 <= alone.within(50) * 12, "{alone}\n{figures}");
    assert!(figures.within(99) <= alone.within(99) * 2, "{alone}\n{figures}");
    assert!(figures.in_flight < 200, "{figures}");
    figures
}

#[test]
fn given_an_orgs_crm_that_is_down_when_thousands_of_its_records_change_then_another_org_feels_nothing_and_full_calls_catch_up()
 {
    let figures = among(CROWD);
    assert!(figures.calls_down <= 60, "{figures}");
    // Thirty full calls would do; the first after an outage go one by one.
    assert!(figures.calls_each() <= 0.015, "{figures}");
    assert_eq!(figures.rewritten, 0, "what changed while it was parked is written once: {figures}");
}

#[test]
fn given_an_orgs_salesforce_that_is_down_when_thousands_of_its_records_change_then_a_few_calls_catch_up() {
    let figures = among(Crowd { crm: Crm::Salesforce, ..CROWD });
    assert!(figures.calls_down <= 60, "{figures}");
    assert!(figures.calls_each() <= 0.01, "{figures}");
    assert_eq!(figures.rewritten, 0, "{figures}");
    assert!(figures.jobs > 0, "{figures}");
}

#[test]
fn given_an_orgs_crm_that_takes_a_call_a_second_when_more_changes_come_then_another_org_feels_nothing_and_it_is_hardly_refused()
 {
    for crm in [Crm::HubSpot, Crm::Salesforce] {
        let figures = among(Crowd { trouble: Trouble::Limited, crm, ..CROWD });
        assert!(figures.refused_percent < 1.0, "{figures}");
        // Salesforce takes so many at once that it has nothing to do in between.
        assert!(crm == Crm::Salesforce || figures.used_percent >= Some(90.0), "{figures}");
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
fn given_a_trouble_that_the_sandbox_does_not_take_when_set_then_it_is_said() {
    let mut place = Place::crowded().unwrap();
    let limit = serde_json::json!([{"provider": "hubspot", "account": "umbra", "api": "*", "requests": 1}]);
    let said = set(&mut place.crm, 0, "/_sandbox/limits", &limit);
    assert!(said.is_err_and(|why| why.contains("400")), "a limit of another shape sets nothing");
}
