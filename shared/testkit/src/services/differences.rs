//! Where the local stack is not as AWS documents, so that a law cannot hold there. The twins follow the documentation.
//!
//! `docs/testing.md` shows the same list to people; a test compares the two.

use futures::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;

/// One law that the local stack does not keep.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The service.
    pub service: &'static str,
    /// The law.
    pub law: &'static str,
    /// How that shows.
    pub shows: Shows,
    /// What AWS documents and what the local stack does instead.
    pub why: &'static str,
}

/// How a difference shows.
#[derive(Debug, Clone, Copy)]
pub enum Shows {
    /// The law fails there, with these words in its message.
    Fails(&'static str),
    /// Nobody can wait for it: it is not run there.
    Untried,
}

/// The known ones.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        service: "queue",
        law: "given_a_receipt_whose_time_is_over_when_used_to_delete_then_it_is_refused_and_the_message_stays",
        shows: Shows::Fails("an expired receipt deleted its message"),
        why: "In a FIFO queue a receipt ends with the visibility. The local stack takes it until the message is received \
              again.",
    },
    Difference {
        service: "queue",
        law: "given_a_receipt_whose_time_is_over_when_used_to_hide_then_it_is_refused",
        shows: Shows::Fails("an expired receipt hid its message"),
        why: "The same for `ChangeMessageVisibility`: the local stack hides a message that anybody could have.",
    },
    Difference {
        service: "queue",
        law: "given_a_visibility_beyond_twelve_hours_when_set_then_it_is_refused",
        shows: Shows::Fails("more than twelve hours were taken"),
        why: "SQS hides a message for 0 to 43,200 seconds. The local stack takes any number.",
    },
    Difference {
        service: "queue",
        law: "given_a_group_or_id_that_sqs_does_not_take_when_sent_then_it_alone_is_refused",
        shows: Shows::Fails("taken though SQS takes it not"),
        why: "Groups and deduplication ids are 1 to 128 characters of printable ASCII. The local stack takes any text.",
    },
    Difference {
        service: "queue",
        law: "given_a_repeat_after_five_minutes_when_sent_then_it_is_delivered",
        shows: Shows::Untried,
        why: "The local stack's clock is the real one, and no test waits five minutes.",
    },
    Difference {
        service: "secrets",
        law: "given_a_text_over_64_kb_when_written_then_it_fails_and_the_old_one_stays",
        shows: Shows::Fails("a text over 64 KB was taken"),
        why: "Secrets Manager takes 65,536 bytes at most. The local stack takes any text.",
    },
    Difference {
        service: "secrets",
        law: "given_a_name_that_no_secret_can_have_when_written_then_it_fails_and_when_read_there_is_none",
        shows: Shows::Fails("a name that no secret can have was taken"),
        why: "A secret's name is made of letters, digits and `/_+=.@-!`. The local stack takes any name.",
    },
];

/// Runs a law on the local stack: it holds there, or fails as [`DIFFERENCES`] says.
///
/// # Panics
/// When it fails otherwise, and when it holds although it is listed.
pub async fn on_stack(law: &str, run: impl Future<Output = ()>) {
    match DIFFERENCES.iter().find(|difference| difference.law == law) {
        None => run.await,
        Some(known) => differs(known, run).await,
    }
}

async fn differs(known: &Difference, run: impl Future<Output = ()>) {
    let Difference { law, why, .. } = known;
    let Shows::Fails(words) = known.shows else {
        println!("{law} is not run on the local stack: {why}");
        return;
    };
    let ended = AssertUnwindSafe(run).catch_unwind().await;
    let message = ended.map_or_else(|cause| words_of(cause.as_ref()), |()| String::new());
    assert!(!message.is_empty(), "{law} holds on the local stack now: take it off the list ({why})");
    assert!(message.contains(words), "{law} was to fail with {words:?}, not with {message:?}");
}

fn words_of(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

/// Each difference of `service` is of one of its `laws`, listed once, with a reason.
///
/// # Panics
/// When one is not.
pub fn check_differences(service: &str, laws: &[&str]) {
    for (at, difference) in DIFFERENCES.iter().enumerate() {
        let law = difference.law;
        assert!(DIFFERENCES[..at].iter().all(|other| other.law != law), "{law} is listed twice");
        if difference.service == service {
            assert!(laws.contains(&law), "{law} is no law of {service}");
            let words = difference.why.split_whitespace().count();
            assert!(words >= 8, "{law}: a reason in a sentence, please: {:?}", difference.why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    const KNOWN: Difference = Difference {
        service: "queue",
        law: "given_a_law_when_run_then_it_fails",
        shows: Shows::Fails("two and two"),
        why: "The documentation says four, and the local stack says that it is five.",
    };

    async fn says(sum: u64) {
        assert_eq!(sum, 4, "two and two");
    }

    #[test]
    fn given_a_difference_that_is_there_when_run_then_that_is_as_it_should_be() {
        block_on(differs(&KNOWN, says(5)));
    }

    #[test]
    #[should_panic(expected = "take it off the list")]
    fn given_a_difference_that_is_gone_when_run_then_somebody_is_told() {
        block_on(differs(&KNOWN, says(4)));
    }

    #[test]
    #[should_panic(expected = "was to fail with")]
    fn given_a_law_that_fails_for_another_reason_when_run_then_that_is_no_known_difference() {
        block_on(differs(&KNOWN, async { assert_eq!(1, 2, "one and one") }));
    }
}
