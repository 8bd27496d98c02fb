//! What a function answers for its batch, and what it did for it.

use super::Oracle;
use rtr_engine::batch::Received;

/// Calls that one message may cost in one receive, for each CRM it is routed to.
const CALLS_PER_RECEIVE: u64 = 8;

impl Oracle {
    /// An invocation begins in `env`.
    pub fn begins(&mut self, env: usize) {
        self.calls_of.insert(env, 0);
    }

    /// The function answered `failed` for `batch`.
    pub fn answered(&mut self, env: usize, batch: &[Received], failed: &[String]) {
        let ids: Vec<&str> = batch.iter().map(|message| message.message_id.as_str()).collect();
        if let Some(unknown) = failed.iter().find(|id| !ids.contains(&id.as_str())) {
            self.violate("I8", None, format!("the answer names {unknown}, which is not in the batch"));
        }
        for (place, message) in batch.iter().enumerate() {
            let is_failed = failed.contains(&message.message_id);
            let earlier = batch[..place]
                .iter()
                .any(|one| one.group == message.group && failed.contains(&one.message_id));
            if earlier && !is_failed {
                let what =
                    format!("{} is answered as done behind a failure of its group", message.message_id);
                self.violate("I7", None, what);
            }
        }
        let calls = self.calls_of.remove(&env).unwrap_or(0);
        // Tokens are the connection's, not a message's.
        let most = CALLS_PER_RECEIVE * 2 * batch.len() as u64 + 4;
        if calls > most {
            self.violate("I14", None, format!("{calls} calls for {} messages: at most {most}", batch.len()));
        }
    }

    /// The function ended in an error though nothing was done to it.
    pub fn erred(&mut self, words: &str) {
        self.violate("I8", None, format!("the function panicked: {words}"));
    }

    /// A line that the functions logged, or any text that people see.
    pub fn read(&mut self, text: &str) {
        let secret = self.tokens().find(|token| text.contains(token)).map(str::to_owned);
        if secret.is_some() || text.contains(crate::events::CANARY) {
            let what = if secret.is_some() { "a token" } else { "a record's value" };
            self.violate("I16", None, format!("{what} shows: {text}"));
        }
    }
}
