//! Secrets Manager, whose writes carry a token, and the configuration table.

use super::Script;
use futures::executor::block_on;
use rtr_engine::seams::{Configs, Secrets};
use rtr_testkit::configs::MemoryConfigs;
use rtr_testkit::secrets::MemorySecrets;
use rtr_testkit::weather::Fate;
use secrecy::SecretString;
use std::sync::Arc;

#[test]
fn given_a_secret_when_the_answer_is_lost_then_it_is_written_and_when_not_done_it_is_not() {
    let script = Arc::new(Script::default());
    let secrets = MemorySecrets::under(script.clone());
    secrets.put("s", "1");
    script.next(Fate::NotDone);
    assert!(block_on(secrets.write("s", &SecretString::from("2"))).is_err());
    assert_eq!(secrets.text("s").as_deref(), Some("1"));
    script.next(Fate::AnswerLost);
    assert!(block_on(secrets.write("s", &SecretString::from("3"))).is_err());
    assert_eq!(secrets.text("s").as_deref(), Some("3"));
    script.next(Fate::AnswerLost);
    assert!(block_on(secrets.create_or_write("new", &SecretString::from("4"))).is_err());
    assert_eq!(secrets.text("new").as_deref(), Some("4"));
    script.next(Fate::AnswerLost);
    assert!(block_on(secrets.read("s")).is_err());
}

#[test]
fn given_a_secret_when_sent_twice_then_its_token_makes_one_version_of_it() {
    let script = Arc::new(Script::default());
    let secrets = MemorySecrets::under(script.clone());
    secrets.put("s", "1");
    script.next(Fate::SentTwice);
    let version = block_on(secrets.write("s", &SecretString::from("2"))).unwrap();
    assert_eq!(version, "2");
    assert_eq!(block_on(secrets.read("s")).unwrap().unwrap().version, version);
}

#[test]
fn given_configuration_when_it_is_not_read_then_that_is_no_unknown_org() {
    let script = Arc::new(Script::default());
    let configs = MemoryConfigs::under(script.clone());
    for fate in [Fate::NotDone, Fate::AnswerLost] {
        script.next(fate);
        assert!(block_on(configs.org("acme")).is_err());
    }
    script.next(Fate::SentTwice);
    assert!(!block_on(configs.org("acme")).unwrap().known);
}
