//! What is being offered to the internal system, as everybody sees it who would make records meanwhile.

use super::{BEGIN, Environments, at};
use rtr_connectors::http::Clock as _;
use rtr_core::key::ConnectionKey;

const MINUTE_MS: i64 = 60_000;

fn connection(name: &str) -> ConnectionKey {
    ConnectionKey::new("ac#me%", name)
}

fn names(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| format!("contacts#{id}")).collect()
}

/// The last to end is what counts; what is closed does not, and neither does another connection's.
pub async fn given_offers_when_opened_and_closed_then_everybody_sees_until_when_one_is_open(
    on: Environments<'_>,
) {
    let crm = connection("hubspot");
    assert_eq!(on.two.offers(&crm).await, Ok(None));
    on.one.open_offers(&crm, &names(&["1", "é 2"]), at(3 * MINUTE_MS)).await.unwrap();
    on.two.open_offers(&crm, &names(&["3"]), at(2 * MINUTE_MS)).await.unwrap();
    assert_eq!(on.two.offers(&crm).await, Ok(Some(at(3 * MINUTE_MS))));
    assert_eq!(on.two.offers(&connection("salesforce")).await, Ok(None));
    on.two.close_offers(&crm, &names(&["1", "é 2"])).await.unwrap();
    assert_eq!(on.one.offers(&crm).await, Ok(Some(at(2 * MINUTE_MS))));
    for _ in 0..2 {
        on.one.close_offers(&crm, &names(&["3"])).await.unwrap();
        assert_eq!(on.one.offers(&crm).await, Ok(None));
    }
    on.one.close_offers(&connection("salesforce"), &names(&["3"])).await.unwrap();
    assert_eq!(on.one.offers(&connection("salesforce")).await, Ok(None));
}

/// Whoever dies with one open holds nobody up for long, at any time of the day.
pub async fn given_an_offer_that_nobody_closes_when_it_ends_then_nothing_is_open(on: Environments<'_>) {
    let crm = connection("hubspot");
    for _ in 0..8 {
        let begun = on.clock.now().0;
        let end = at(begun - BEGIN.0 + 3 * MINUTE_MS);
        on.one.open_offers(&crm, &names(&["1"]), end).await.unwrap();
        on.clock.advance_ms(3 * MINUTE_MS - 1);
        assert_eq!(on.two.offers(&crm).await, Ok(Some(end)));
        on.clock.advance_ms(1);
        assert_eq!(on.two.offers(&crm).await, Ok(None));
        // Opened, and closed when the hour may have turned.
        let end = at(begun - BEGIN.0 + 8 * MINUTE_MS);
        on.one.open_offers(&crm, &names(&["2"]), end).await.unwrap();
        on.clock.advance_ms(4 * MINUTE_MS);
        on.two.close_offers(&crm, &names(&["2"])).await.unwrap();
        assert_eq!(on.one.offers(&crm).await, Ok(None));
        on.clock.advance_ms(MINUTE_MS);
    }
}
