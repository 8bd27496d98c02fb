use crate::stack::{SetClock, drop_table, make_table, with_stack};
use rtr_aws::clients::Clients;
use rtr_aws::limits::DynamoLimits;
use rtr_core::limit::{Ask, Rule};
use rtr_core::time::Instant;
use rtr_engine::seams::{Consent, ConsentEnding, Consents, Known, Lease, Limits, Suspension};
use std::sync::Arc;

const TEN_A_SECOND: [Rule; 1] = [Rule { requests: 10, per_ms: 1_000, burst: 10 }];
const START_MS: i64 = 1_795_000_000_000;

/// Two environments over one table and one clock.
async fn two(clients: &Clients, name: &str) -> (Arc<SetClock>, DynamoLimits, DynamoLimits) {
    make_table(clients, name, &["pk"]).await;
    let clock = Arc::new(SetClock::at(START_MS));
    let limits = || DynamoLimits::new(clients, name, clock.clone());
    (clock.clone(), limits(), limits())
}

#[test]
fn given_two_environments_when_they_lease_then_together_they_get_the_limit() {
    with_stack(async |clients, name| {
        let (clock, one, two) = two(&clients, &name).await;
        let granted = async |limits: &DynamoLimits, want| {
            limits.lease("acme#hubspot#*", &TEN_A_SECOND, &Ask::whole(want)).await.unwrap()
        };
        assert_eq!(granted(&one, 4).await, Lease { granted: 4, retry_at: None, ..Lease::default() });
        assert_eq!(granted(&two, 4).await.granted, 4);
        assert_eq!(granted(&one, 4).await.granted, 2);
        let empty = Lease { granted: 0, retry_at: Some(Instant(START_MS + 1_085)), ..Lease::default() };
        assert_eq!(granted(&two, 4).await, empty);
        assert_eq!(granted(&two, 4).await, empty);
        clock.advance(1_385);
        assert_eq!(granted(&two, 9).await.granted, 4);
        clock.advance(2_500);
        assert_eq!(granted(&one, 99).await.granted, 10);
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_many_at_once_when_they_lease_then_no_token_is_given_twice() {
    with_stack(async |clients, name| {
        let (_, one, two) = two(&clients, &name).await;
        let ask = Ask::whole(1);
        let asked = (0..20).map(|n| if n % 2 == 0 { &one } else { &two }.lease("b", &TEN_A_SECOND, &ask));
        let leases = futures::future::join_all(asked).await;
        let granted: u64 = leases.iter().map(|lease| lease.as_ref().unwrap().granted).sum();
        assert!((1..=10).contains(&granted), "{granted}");
        let waiting = leases.into_iter().map(Result::unwrap).filter(|lease| lease.granted == 0);
        assert!(waiting.into_iter().all(|lease| lease.retry_at > Some(Instant(START_MS))));
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_a_block_when_another_environment_leases_then_it_waits_and_a_later_block_stays() {
    with_stack(async |clients, name| {
        let (clock, one, two) = two(&clients, &name).await;
        assert_eq!(two.lease("b", &TEN_A_SECOND, &Ask::whole(1)).await.unwrap().granted, 1);
        let until = Instant(START_MS + 5_000);
        one.block("b", until).await.unwrap();
        one.block("b", Instant(START_MS + 10)).await.unwrap();
        let blocked = Lease { granted: 0, retry_at: Some(until), ..Lease::default() };
        assert_eq!(one.lease("b", &TEN_A_SECOND, &Ask::whole(1)).await.unwrap(), blocked);
        assert_eq!(two.lease("b", &TEN_A_SECOND, &Ask::whole(1)).await.unwrap(), blocked);
        clock.advance(5_000);
        assert_eq!(two.lease("b", &TEN_A_SECOND, &Ask::whole(99)).await.unwrap().granted, 1);
        assert_eq!(one.lease("b", &TEN_A_SECOND, &Ask::whole(1)).await.unwrap().granted, 0);
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_a_lock_when_held_then_nobody_else_gets_it_until_it_ends() {
    with_stack(async |clients, name| {
        let (clock, limits, _) = two(&clients, &name).await;
        assert!(limits.lock("refresh", "a", 1_000).await.unwrap());
        assert!(limits.lock("refresh", "a", 1_000).await.unwrap());
        assert!(!limits.lock("refresh", "b", 1_000).await.unwrap());
        limits.unlock("refresh", "b").await.unwrap();
        assert!(!limits.lock("refresh", "b", 1_000).await.unwrap());
        limits.unlock("refresh", "a").await.unwrap();
        assert!(limits.lock("refresh", "b", 1_000).await.unwrap());
        clock.advance(1_000);
        assert!(limits.lock("refresh", "c", 1_000).await.unwrap());
        limits.unlock("never taken", "c").await.unwrap();
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_a_suspension_when_set_and_ended_then_everybody_sees_it() {
    with_stack(async |clients, name| {
        let (_, one, two) = two(&clients, &name).await;
        let suspension = Suspension {
            message: "the refresh token was refused".to_owned(),
            since: Instant(START_MS),
            secret_version: "v1".to_owned(),
        };
        assert_eq!(two.suspension("acme#hubspot").await, Ok(None));
        one.set_suspension("acme#hubspot", Some(&suspension)).await.unwrap();
        assert_eq!(two.suspension("acme#hubspot").await, Ok(Some(suspension)));
        one.set_suspension("acme#hubspot", None).await.unwrap();
        assert_eq!(two.suspension("acme#hubspot").await, Ok(None));
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_a_consent_when_two_take_it_then_one_gets_it_in_time_and_whoever_waits_sees_its_ending() {
    with_stack(async |clients, name| {
        let (clock, one, two) = two(&clients, &name).await;
        let consent = |app: Option<&str>| Consent {
            org_id: "acme".to_owned(),
            connection: "hubspot".to_owned(),
            provider: "hubspot".to_owned(),
            app: app.map(str::to_owned),
            verifier: "verifier".into(),
            redirect_uri: "https://x.example/cb".to_owned(),
            until: Instant(START_MS + 600_000),
        };
        one.put_consent("s1", &consent(Some("main"))).await.unwrap();
        one.put_consent("s2", &consent(None)).await.unwrap();
        let taken = two.take_consent("s1").await.unwrap().unwrap();
        assert_eq!((taken.app.as_deref(), taken.until), (Some("main"), Instant(START_MS + 600_000)));
        assert!(
            one.take_consent("s1").await.unwrap().is_none()
                && one.take_consent("s3").await.unwrap().is_none()
        );
        assert_eq!(one.consent_ending("s1").await, Ok(None));
        let ending = ConsentEnding { connected: true, message: "works".to_owned(), account: None };
        two.end_consent("s1", &ending).await.unwrap();
        assert_eq!(one.consent_ending("s1").await, Ok(Some(ending)));
        clock.advance(600_000);
        assert!(one.take_consent("s2").await.unwrap().is_none(), "too late");
        drop_table(&clients, &name).await;
    });
}

#[test]
fn given_what_is_known_of_credentials_when_noted_then_each_note_leaves_the_other() {
    with_stack(async |clients, name| {
        let (_, one, two) = two(&clients, &name).await;
        assert_eq!(two.known("acme#hubspot").await, Ok(Known::default()));
        one.note_account("acme#hubspot", "7700123").await.unwrap();
        two.note_replaced("acme#hubspot", "v1").await.unwrap();
        let replaced = Some(("v1".to_owned(), Instant(START_MS)));
        assert_eq!(
            one.known("acme#hubspot").await,
            Ok(Known { account: Some("7700123".to_owned()), replaced })
        );
        drop_table(&clients, &name).await;
    });
}
