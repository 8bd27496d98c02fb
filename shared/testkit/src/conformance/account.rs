//! The account itself: its properties, our key, and who it is.

use super::bench::Bench;
use super::profile::Profile;
use futures::executor::block_on;
use rtr_core::failure::Class;

/// The key is made where it is missing, unique and writable, and making it again is fine.
pub fn given_an_account_without_our_key_when_made_twice_then_it_is_there_unique_and_writable(
    profile: &Profile,
) {
    let bench = Bench::bare(profile);
    let properties = || block_on(bench.connector.properties(&bench.session(), profile.object)).unwrap();
    assert!(profile.key_is_there || properties().iter().all(|property| property.name != profile.key));
    for _ in 0..2 {
        let made = block_on(bench.connector.create_key(&bench.session(), profile.object, profile.key));
        assert_eq!(made, Ok(()));
    }
    let all = properties();
    let key = all.iter().find(|property| property.name == profile.key).unwrap();
    assert!(key.unique && key.writable, "{key:?}");
    let text = all.iter().find(|property| property.name == profile.text).unwrap();
    assert!(!text.unique && text.writable, "{text:?}");
    let id = bench.connector.capabilities().id_property;
    assert!(all.iter().filter(|property| property.name == id).all(|property| !property.writable));
}

/// Where the vendor may not be told to, a person can: the words name what to make and where.
pub fn given_no_leave_to_make_the_key_when_asked_then_the_words_say_what_to_click(profile: &Profile) {
    let bench = Bench::bare(profile);
    bench.fault(profile.forbidden.fault());
    let made = block_on(bench.connector.create_key(&bench.session(), profile.object, profile.key));
    assert_eq!(made.map_err(|failure| failure.class), Err(Class::Forbidden));
    let words = bench.connector.key_by_hand(profile.object, profile.key);
    let stem = profile.key.trim_end_matches("__c");
    assert!(words.contains(profile.object) && words.contains(stem) && words.contains('>'), "{words}");
}

/// The account has a name that stays, whatever the token.
pub fn given_an_account_when_asked_who_it_is_then_the_answer_stays_the_same(profile: &Profile) {
    let bench = Bench::bare(profile);
    let first = block_on(bench.connector.account(&bench.session())).unwrap();
    bench.expire_tokens();
    let second = block_on(bench.connector.account(&bench.session())).unwrap();
    assert!(!first.is_empty());
    assert_eq!(first, second);
}

/// An object that the vendor does not have is a mistake of the mapping's, not an empty list.
pub fn given_an_object_that_is_not_there_when_read_then_the_failure_is_no_empty_list(profile: &Profile) {
    let bench = Bench::bare(profile);
    let failure = block_on(bench.connector.properties(&bench.session(), "spaceships")).unwrap_err();
    assert!(matches!(failure.class, Class::Refused | Class::Missing), "{failure:?}");
}
