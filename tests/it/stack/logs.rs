//! What the deployed functions printed.

use super::{Stack, variable};
use serde_json::json;

impl Stack {
    /// The lines of both functions since `since_ms`.
    pub(crate) fn function_logs(&self, since_ms: i64) -> Vec<String> {
        let functions = [variable("SYNC_FUNCTION_NAME"), variable("REDRIVE_FUNCTION_NAME")];
        functions.iter().flat_map(|name| self.lines_of(&format!("/aws/lambda/{name}"), since_ms)).collect()
    }

    fn lines_of(&self, group: &str, since_ms: i64) -> Vec<String> {
        let (mut lines, mut token) = (Vec::new(), None);
        loop {
            let mut asked = json!({"logGroupName": group, "startTime": since_ms});
            if let Some(token) = token {
                asked["nextToken"] = token;
            }
            let page = self.aws_json("logs", "Logs_20140328.FilterLogEvents", &asked);
            let events = page["events"].as_array().cloned().unwrap_or_default();
            lines.extend(events.iter().map(|event| event["message"].as_str().unwrap().to_owned()));
            token = page.get("nextToken").filter(|token| !token.is_null()).cloned();
            if token.is_none() {
                return lines;
            }
        }
    }
}
