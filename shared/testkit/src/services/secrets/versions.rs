//! Texts and their versions.

use super::Store;
use rtr_engine::seams::{SecretText, Unavailable};
use secrecy::{ExposeSecret, SecretString};

impl Store<'_> {
    fn name(&self, end: &str) -> String {
        format!("{}{end}", self.stem)
    }

    async fn read(&self, end: &str) -> Option<(String, String)> {
        let read: Option<SecretText> = self.secrets.read(&self.name(end)).await.unwrap();
        read.map(|read| (read.text.expose_secret().to_owned(), read.version))
    }

    async fn write(&self, end: &str, text: &str) -> Result<String, Unavailable> {
        self.secrets.write(&self.name(end), &SecretString::from(text)).await
    }

    async fn create(&self, end: &str, text: &str) -> Result<String, Unavailable> {
        self.secrets.create_or_write(&self.name(end), &SecretString::from(text)).await
    }
}

/// Absent is an answer, not an outage.
pub async fn given_no_secret_when_read_then_there_is_none(on: Store<'_>) {
    assert_eq!(on.read("a").await, None);
}

/// A new version needs a secret to be one of.
pub async fn given_no_secret_when_written_then_it_fails_and_makes_none(on: Store<'_>) {
    assert!(on.write("a", "{}").await.is_err());
    assert_eq!(on.read("a").await, None);
}

/// Whichever way it was written.
pub async fn given_a_secret_when_written_then_the_latest_is_read_at_once_with_its_version(on: Store<'_>) {
    let mut versions = Vec::new();
    for (n, text) in ["{\"a\":1}", "{\"a\":\"é\"}", "{\"a\":3}", "{\"a\":1}"].into_iter().enumerate() {
        let version = if n % 2 == 0 { on.create("a", text).await } else { on.write("a", text).await };
        let version = version.unwrap();
        assert_eq!(on.read("a").await, Some((text.to_owned(), version.clone())));
        assert!(!versions.contains(&version), "{version} is another text's");
        versions.push(version);
    }
}

/// Who compares versions learns of every write.
pub async fn given_the_same_text_when_written_again_then_it_is_another_version(on: Store<'_>) {
    let first = on.create("a", "{}").await.unwrap();
    let second = on.write("a", "{}").await.unwrap();
    let third = on.create("a", "{}").await.unwrap();
    assert!(first != second && second != third && first != third);
    assert_eq!(on.read("a").await, Some(("{}".to_owned(), third)));
}

/// A name is the whole name.
pub async fn given_two_secrets_when_one_is_written_then_the_other_stays(on: Store<'_>) {
    let one = on.create("a/hubspot", "1").await.unwrap();
    assert_eq!(on.read("a/hubspot-eu").await, None);
    on.create("a/hubspot-eu", "2").await.unwrap();
    assert_eq!(on.read("a/hubspot").await, Some(("1".to_owned(), one)));
    assert_eq!(on.read("a").await, None);
}

/// Secrets Manager's largest text has 65,536 bytes.
pub async fn given_a_text_over_64_kb_when_written_then_it_fails_and_the_old_one_stays(on: Store<'_>) {
    let largest = "x".repeat(65_536);
    let version = on.create("a", &largest).await.unwrap();
    let larger = "x".repeat(65_537);
    assert!(on.write("a", &larger).await.is_err(), "a text over 64 KB was taken");
    assert!(on.create("a", &larger).await.is_err());
    assert!(on.create("b", &larger).await.is_err());
    assert_eq!(on.read("a").await, Some((largest, version)));
    assert_eq!(on.read("b").await, None);
}

/// Letters, digits and `/_+=.@-!`, 512 of them at most; ids of orgs may hold anything.
pub async fn given_a_name_that_no_secret_can_have_when_written_then_it_fails_and_when_read_there_is_none(
    on: Store<'_>,
) {
    on.create("ok/_+=.@-!Z9", "{}").await.unwrap();
    for end in ["a b", "é", "a#b", &"x".repeat(513)] {
        assert_eq!(on.read(end).await, None, "{end}");
        assert!(on.create(end, "{}").await.is_err(), "a name that no secret can have was taken: {end}");
        assert_eq!(on.read(end).await, None, "{end}");
    }
}
