//! Suspensions, what is known of credentials, and consents.

use super::{Environments, at};
use rtr_engine::seams::{Consent, ConsentEnding, Known, Suspension, Tally};
use secrecy::ExposeSecret;

const CONNECTION: &str = "acme#hubspot";

/// Set, changed, ended, ended again; no connection sees another's.
pub async fn given_a_suspension_when_set_changed_and_ended_then_everybody_sees_it(on: Environments<'_>) {
    let suspension = |version: &str| Suspension {
        message: "the refresh token was refused: \"é\"".to_owned(),
        since: at(5),
        secret_version: version.to_owned(),
    };
    assert_eq!(on.two.suspension(CONNECTION).await, Ok(None));
    for version in ["v1", "v2"] {
        on.one.set_suspension(CONNECTION, Some(&suspension(version))).await.unwrap();
        assert_eq!(on.two.suspension(CONNECTION).await, Ok(Some(suspension(version))));
    }
    assert_eq!(on.two.suspension("acme#salesforce").await, Ok(None));
    for _ in 0..2 {
        on.one.set_suspension(CONNECTION, None).await.unwrap();
        assert_eq!(on.two.suspension(CONNECTION).await, Ok(None));
    }
}

/// Two facts, noted by two at different times.
pub async fn given_what_is_known_when_noted_then_each_note_leaves_the_other(on: Environments<'_>) {
    assert_eq!(on.two.known(CONNECTION).await, Ok(Known::default()));
    on.one.note_account(CONNECTION, "7700123").await.unwrap();
    on.clock.advance_ms(10);
    on.two.note_replaced(CONNECTION, "v1").await.unwrap();
    let known = |account: &str, version: &str, ms| Known {
        account: Some(account.to_owned()),
        replaced: Some((version.to_owned(), at(ms))),
    };
    assert_eq!(on.one.known(CONNECTION).await, Ok(known("7700123", "v1", 10)));
    on.one.note_account(CONNECTION, "7700124").await.unwrap();
    on.clock.advance_ms(10);
    on.one.note_replaced(CONNECTION, "v2").await.unwrap();
    assert_eq!(on.two.known(CONNECTION).await, Ok(known("7700124", "v2", 20)));
    assert_eq!(on.two.known("acme#salesforce").await, Ok(Known::default()));
}

/// Two who add at once lose nothing; another org or revision has its own.
pub async fn given_tallies_when_two_add_then_they_are_summed_for_each_org_and_revision(on: Environments<'_>) {
    let tally = |well, dead| Tally { well, dead };
    assert_eq!(on.one.tally("acme", 7).await, Ok(Tally::default()));
    let added = futures::future::join(
        on.one.add_tally("acme", 7, tally(3, 0)),
        on.two.add_tally("acme", 7, tally(4, 2)),
    );
    assert_eq!(added.await, (Ok(()), Ok(())));
    on.one.add_tally("acme", 8, tally(0, 1)).await.unwrap();
    on.one.add_tally("ac", 7, tally(1, 1)).await.unwrap();
    assert_eq!(on.two.tally("acme", 7).await, Ok(tally(7, 2)));
    assert_eq!(on.two.tally("acme", 8).await, Ok(tally(0, 1)));
}

fn consent(app: Option<&str>) -> Consent {
    Consent {
        org_id: "ac#me".to_owned(),
        connection: "hubspot".to_owned(),
        provider: "hubspot".to_owned(),
        app: app.map(str::to_owned),
        verifier: "verifier".into(),
        redirect_uri: "https://x.example/cb".to_owned(),
        until: at(600_000),
    }
}

/// A state serves once.
pub async fn given_a_consent_when_two_take_it_then_the_first_gets_it_whole(on: Environments<'_>) {
    on.one.put_consent("s1", &consent(Some("main"))).await.unwrap();
    on.one.put_consent("s2", &consent(None)).await.unwrap();
    let taken = on.two.take_consent("s1").await.unwrap().unwrap();
    assert_eq!((taken.org_id.as_str(), taken.connection.as_str()), ("ac#me", "hubspot"));
    assert_eq!((taken.provider.as_str(), taken.app.as_deref()), ("hubspot", Some("main")));
    assert_eq!((taken.verifier.expose_secret(), taken.until), ("verifier", at(600_000)));
    assert_eq!(taken.redirect_uri, "https://x.example/cb");
    for table in [on.one, on.two] {
        assert!(table.take_consent("s1").await.unwrap().is_none());
        assert!(table.take_consent("never put").await.unwrap().is_none());
    }
    assert_eq!(on.one.take_consent("s2").await.unwrap().unwrap().app, None);
}

/// At its end, to the millisecond.
pub async fn given_a_consent_when_its_time_is_over_then_nobody_gets_it(on: Environments<'_>) {
    on.one.put_consent("in time", &consent(None)).await.unwrap();
    on.one.put_consent("late", &consent(None)).await.unwrap();
    on.clock.advance_ms(599_999);
    assert!(on.two.take_consent("in time").await.unwrap().is_some());
    on.clock.advance_ms(1);
    assert!(on.two.take_consent("late").await.unwrap().is_none());
}

/// For whoever waits, again and again.
pub async fn given_a_consents_ending_when_asked_for_then_it_is_there_once_it_has_ended(on: Environments<'_>) {
    on.one.put_consent("s1", &consent(None)).await.unwrap();
    assert_eq!(on.one.consent_ending("s1").await, Ok(None));
    assert_eq!(on.one.consent_ending("never put").await, Ok(None));
    assert!(on.two.take_consent("s1").await.unwrap().is_some());
    assert_eq!(on.one.consent_ending("s1").await, Ok(None));
    let ending =
        ConsentEnding { connected: true, message: "works".to_owned(), account: Some("7700123".to_owned()) };
    on.two.end_consent("s1", &ending).await.unwrap();
    for table in [on.one, on.two] {
        assert_eq!(table.consent_ending("s1").await, Ok(Some(ending.clone())));
    }
    assert!(on.one.take_consent("s1").await.unwrap().is_none());
}
