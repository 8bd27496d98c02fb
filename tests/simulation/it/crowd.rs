//! One org's dead or limited CRM is nobody else's trouble, and costs little once it is back.

use rtr_simulation::crowd::{Crowd, Figures, Trouble};
use rtr_simulation::place::Place;

const CROWD: Crowd = Crowd {
    blocked: 3_000,
    other: 500,
    over_ms: 50_000,
    trouble: Trouble::Down(600_000),
    pollers: 50,
    seed: 1,
};

/// What is measured with the crowd, which must hold whatever its CRM does. Once as good as alone: the other org's events.
fn among(crowd: Crowd) -> Figures {
    let place = Place::new().unwrap();
    let alone = Crowd { blocked: 0, ..crowd }.run(&place);
    let figures = crowd.run(&place);
    assert_eq!(figures.violations, []);
    assert_eq!((figures.landed, figures.dead), (3_000, 0), "{figures}");
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
    assert!(figures.calls_after * 1_000 <= figures.landed * 15, "{figures}");
}

#[test]
fn given_an_orgs_crm_with_a_small_limit_when_more_changes_come_than_it_takes_then_another_org_feels_nothing()
{
    among(Crowd { trouble: Trouble::Limited, ..CROWD });
}
