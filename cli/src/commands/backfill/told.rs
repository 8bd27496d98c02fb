//! Has it told that a backfill has ended, at each connection that had it.

use super::stops::Watched;
use crate::app::App;
use crate::moment::now;
use rtr_aws::function::Runtime;
use rtr_core::notice::{Notice, NoticeKind};

/// Of `watched`, to which `sent` events went. Who cannot note it says so; the backfill is done all the same.
pub(super) async fn done(app: &App, runtime: &Runtime, watched: &[Watched], sent: u64) {
    let since = now();
    for Watched { key, provider } in watched {
        let notice = Notice {
            kind: NoticeKind::BackfillDone,
            org_id: key.org_id.clone(),
            connection: Some(key.connection.clone()),
            provider: Some(provider.clone()),
            code: None,
            count: sent,
            since,
            once: None,
        };
        if let Err(error) = runtime.seams().notices.raise(&notice).await {
            app.out.note(&format!("nobody is told by a notification that it has ended: {error}"));
        }
    }
}
