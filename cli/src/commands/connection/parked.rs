//! How much is parked per connection, counted in the sparse index.

use crate::aws::{Aws, problem};
use crate::problem::Problem;
use std::collections::HashMap;

/// Parked records by connection key. The index holds keys only, and only of what is parked.
pub(super) async fn count(aws: &Aws) -> Result<HashMap<String, u64>, Problem> {
    let table = aws.stack.output("RECORDS_TABLE_NAME")?;
    let (mut counts, mut from) = (HashMap::new(), None);
    loop {
        let scan = aws.clients.dynamodb.scan().table_name(table).index_name("parked");
        let scan = scan.projection_expression("sk").set_exclusive_start_key(from);
        let page =
            scan.send().await.map_err(|error| problem("Scan of the parked index", &aws.place, &error))?;
        for connection in page.items().iter().filter_map(|row| row.get("sk")?.as_s().ok()) {
            *counts.entry(connection.clone()).or_default() += 1;
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok(counts);
        }
    }
}
