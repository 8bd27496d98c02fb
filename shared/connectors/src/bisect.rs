//! One bad item never fails its neighbours: what is refused as a whole is tried again in halves, down to single items.
//!
//! One bad item among n costs about 2·log2(n) calls more, which run one after another and each take their tokens. Pure:
//! it says which items to send next and is told what came of it, so that the sending stays out of it.

use rtr_core::failure::{Class, Failure};
use std::collections::VecDeque;

/// The work of one batch: groups of item numbers still to send, and what became of the others.
#[derive(Debug)]
pub struct Bisect<T> {
    pending: VecDeque<Vec<usize>>,
    outcomes: Vec<Option<Result<T, Failure>>>,
}

impl<T> Bisect<T> {
    /// `count` items, of which `groups` are to be sent in this order.
    #[must_use]
    pub fn new(count: usize, groups: Vec<Vec<usize>>) -> Self {
        Self { pending: groups.into(), outcomes: (0..count).map(|_| None).collect() }
    }

    /// Further groups to send, after those that wait.
    pub fn add(&mut self, groups: Vec<Vec<usize>>) {
        self.pending.extend(groups);
    }

    /// The items to send next; none when all is said.
    pub fn next_group(&mut self) -> Option<Vec<usize>> {
        self.pending.pop_front()
    }

    /// An item's outcome, known without sending or from an answer.
    pub fn set(&mut self, item: usize, outcome: Result<T, Failure>) {
        if let Some(slot) = self.outcomes.get_mut(item) {
            *slot = Some(outcome);
        }
    }

    /// The answer for each item of `group`, in its order. Those refused as a batch are divided and tried again; a lone
    /// one keeps its refusal.
    pub fn answered(&mut self, group: &[usize], answers: Vec<Result<T, Failure>>) {
        let mut again = Vec::new();
        for (item, answer) in group.iter().copied().zip(answers) {
            match answer {
                Err(failure) if failure.class == Class::BatchRefused && group.len() > 1 => again.push(item),
                outcome => self.set(item, outcome),
            }
        }
        // When neighbours are settled already, the rest is a smaller batch by itself; else it is halved.
        let parts = if again.len() < group.len() { 1 } else { 2 };
        for part in again.chunks(again.len().div_ceil(parts).max(1)).rev() {
            self.pending.push_front(part.to_vec());
        }
    }

    /// The failure of a call as a whole: its items have it, and when the next call would fare no better, so do all
    /// that wait. An answer that was lost says nothing about the others, so they are tried.
    pub fn failed(&mut self, group: &[usize], failure: &Failure) {
        for item in group {
            self.set(*item, Err(failure.clone()));
        }
        if stops_all(&failure.class) {
            for item in std::mem::take(&mut self.pending).into_iter().flatten() {
                self.set(item, Err(failure.clone()));
            }
        }
    }

    /// The outcomes in the order of the items.
    #[must_use]
    pub fn finish(self) -> Vec<Result<T, Failure>> {
        let unsaid = || Failure::new(Class::OutcomeUnknown, "the CRM did not say what became of this record");
        self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(unsaid()))).collect()
    }
}

fn stops_all(class: &Class) -> bool {
    matches!(
        class,
        Class::Throttled { .. }
            | Class::Unavailable
            | Class::OutOfTime
            | Class::Unauthorized
            | Class::Revoked
            | Class::NoSecret
            | Class::Forbidden
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sends until done; a group with any bad item is refused as a whole.
    fn run(count: usize, bad: &[usize]) -> (Vec<Result<usize, Failure>>, usize) {
        let mut work = Bisect::new(count, vec![(0..count).collect()]);
        let mut calls = 0;
        while let Some(group) = work.next_group() {
            calls += 1;
            let refused = group.iter().any(|item| bad.contains(item));
            let answer = |item: &usize| {
                if refused { Err(Failure::new(Class::BatchRefused, "no")) } else { Ok(*item) }
            };
            let answers = group.iter().map(answer).collect();
            work.answered(&group, answers);
        }
        (work.finish(), calls)
    }

    #[test]
    fn given_one_bad_item_of_a_hundred_when_bisected_then_it_alone_fails_within_15_calls() {
        for bad in 0..100 {
            let (outcomes, calls) = run(100, &[bad]);
            assert!(outcomes.iter().enumerate().all(|(i, o)| o.is_err() == (i == bad)));
            assert!(calls <= 15, "{calls} calls");
        }
    }

    proptest! {
        #[test]
        fn given_any_bad_items_when_bisected_then_exactly_they_fail(
            count in 1usize..40, bad in proptest::collection::vec(0usize..40, 0..10),
        ) {
            let (outcomes, calls) = run(count, &bad);
            for (item, outcome) in outcomes.iter().enumerate() {
                prop_assert_eq!(outcome.as_ref().ok().copied(), (!bad.contains(&item)).then_some(item));
            }
            prop_assert!(calls < 2 * count);
        }
    }

    #[test]
    fn given_a_throttled_half_when_bisected_then_the_other_is_not_tried() {
        let mut work: Bisect<()> = Bisect::new(4, vec![vec![0, 1], vec![2, 3]]);
        let group = work.next_group().unwrap();
        work.failed(&group, &Failure::new(Class::Throttled { until: None }, "wait"));
        assert_eq!(work.next_group(), None);
        assert!(
            work.finish().iter().all(|o| matches!(o, Err(f) if f.class == Class::Throttled { until: None }))
        );
    }

    #[test]
    fn given_a_lost_answer_for_one_half_when_bisected_then_the_other_is_tried() {
        let mut work: Bisect<()> = Bisect::new(4, vec![vec![0, 1], vec![2, 3]]);
        let group = work.next_group().unwrap();
        work.failed(&group, &Failure::new(Class::OutcomeUnknown, "lost"));
        assert_eq!(work.next_group(), Some(vec![2, 3]));
    }
}
