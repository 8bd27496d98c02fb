//! What is found out once for each key, also by those who ask for it side by side.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Values by key.
#[derive(Debug)]
pub(super) struct Once<K, V>(Mutex<BTreeMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, V: Clone> Once<K, V> {
    /// The value of `key`: as it is known, or as `find` has it. What fails is asked for again by the next who wants it.
    pub(super) async fn get<E>(&self, key: K, find: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let cell = {
            // A poisoned lock only says that a thread died elsewhere: cells are whole.
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(key).or_default().clone()
        };
        cell.get_or_try_init(|| find).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use futures::executor::block_on;
    use futures::future::join;

    #[test]
    fn given_two_who_ask_side_by_side_and_one_later_when_found_then_it_was_looked_for_once() {
        let (once, looked) = (Once::default(), Mutex::new(Vec::new()));
        let find = |key: u64| {
            let (once, looked) = (&once, &looked);
            once.get(key, async move {
                // The other is asked meanwhile.
                tokio::task::yield_now().await;
                looked.lock().unwrap().push(key);
                Ok::<u64, ()>(key * 2)
            })
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(join(find(1), find(1))), (Ok(2), Ok(2)));
        assert_eq!(runtime.block_on(join(find(1), find(2))), (Ok(2), Ok(4)));
        assert_eq!(*looked.lock().unwrap(), [1, 2]);
    }

    #[test]
    fn given_a_look_that_failed_when_asked_again_then_it_is_looked_for_again() {
        let once = Once::default();
        assert_eq!(block_on(once.get(1, async { Err::<u64, &str>("no answer") })), Err("no answer"));
        assert_eq!(block_on(once.get(1, async { Ok::<u64, &str>(7) })), Ok(7));
    }
}
