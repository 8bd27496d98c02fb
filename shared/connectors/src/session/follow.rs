//! Waiting for an answer, and telling now and then that it is still waited for.

use super::Session;
use futures::future::{Either, select};

impl Session<'_> {
    /// Waits for `answer`, which comes within `timeout_ms`, and tells now and then that it has not come, if it takes long.
    pub(super) async fn follow<T>(&self, mut answer: impl Future<Output = T> + Unpin, timeout_ms: i64) -> T {
        let (mut pause_ms, mut waited_ms) = (self.gate.long_ms(), self.gate.long_ms());
        while waited_ms <= timeout_ms {
            answer = match select(answer, self.clock.sleep_ms(pause_ms)).await {
                Either::Left((answer, _)) => return answer,
                Either::Right(((), under_way)) => match select(under_way, self.gate.lasts(waited_ms)).await {
                    // What is half told is told to the end, before anything else is.
                    Either::Left((answer, telling)) => {
                        telling.await;
                        return answer;
                    }
                    Either::Right((again_ms, under_way)) => {
                        pause_ms = again_ms.max(1);
                        under_way
                    }
                },
            };
            waited_ms = waited_ms.saturating_add(pause_ms);
        }
        answer.await
    }
}
