//! A backfill is behind live traffic: neither the org's own changes nor another's wait for it.

use rtr_simulation::backfilled::{Backfilled, Figures, judge, within};
use rtr_simulation::place::Place;

/// What is measured beside a backfill, which must hold for everybody's live events.
fn behind_live_traffic(beside: Backfilled) -> Figures {
    let place = Place::new().unwrap();
    let without = Backfilled { records: 0, ..beside }.run(&place);
    let figures = beside.run(&place);
    assert_eq!(judge(&beside, &figures, &without), Vec::<String>::new(), "{figures}\n{without:?}");
    for (with, without) in [(&figures.own_ms, &without.own_ms), (&figures.other_ms, &without.other_ms)] {
        assert!(within(with, 50) * 10 <= within(without, 50) * 12, "{figures}\n{without:?}");
    }
    figures
}

#[test]
fn given_a_backfill_of_thousands_when_its_org_and_another_live_on_then_their_p99_is_as_good_as_without_it() {
    behind_live_traffic(Backfilled { records: 2_000, over_ms: 120_000, ..Backfilled::BESIDE });
}

#[test]
fn given_a_backfill_to_a_crm_with_a_small_limit_when_its_org_lives_on_then_its_changes_do_not_wait_for_tokens()
 {
    behind_live_traffic(Backfilled { records: 2_000, over_ms: 180_000, ..Backfilled::BESIDE_SMALL });
}
