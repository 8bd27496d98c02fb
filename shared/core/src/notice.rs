//! What operators, and whoever looks after customers, are told of a connection by an event: its kinds, how often, and what to do.

use crate::code::Code;
use crate::key::join;
use crate::time::Instant;
use serde_json::{Value, json};

/// The source that the events name.
pub const SOURCE: &str = "rtr";

/// What may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Its credentials were refused: it waits for a person.
    Suspended,
    /// It goes on after that.
    Resumed,
    /// The CRM says that the account's own allowance is nearly used up.
    QuotaLow,
    /// Records became dead letters.
    DeadLetters,
    /// Something has been parked for long.
    ParkedOld,
    /// A backfill has ended.
    BackfillDone,
}

/// Something to tell of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// The org.
    pub org_id: String,
    /// The connection; none where it concerns none.
    pub connection: Option<String>,
    /// The connection's provider, where it is known.
    pub provider: Option<String>,
    /// Why; of several the last.
    pub code: Option<Code>,
    /// How many.
    pub count: u64,
    /// Since when.
    pub since: Instant,
    /// Of what happens once: its name. It is told once, however many see it.
    pub once: Option<String>,
}

/// A quarter of an hour, in milliseconds: no kind is told of one connection more often.
const QUARTER_MS: i64 = 900_000;

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Suspended,
        Self::Resumed,
        Self::QuotaLow,
        Self::DeadLetters,
        Self::ParkedOld,
        Self::BackfillDone,
    ];

    /// The event's type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspended => "connection.suspended",
            Self::Resumed => "connection.resumed",
            Self::QuotaLow => "connection.quota_low",
            Self::DeadLetters => "dead_letters.raised",
            Self::ParkedOld => "parked.old",
            Self::BackfillDone => "backfill.done",
        }
    }

    /// Reads [`Self::as_str`]'s name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What it says, in a sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Suspended => {
                "The CRM refused the connection's credentials; its records are parked until a person acts."
            }
            Self::Resumed => "The connection works again, and what was parked goes.",
            Self::QuotaLow => "The CRM says that 90 % of the account's own allowance of calls is used.",
            Self::DeadLetters => {
                "Records became dead letters; `count` of them since the last time this was told."
            }
            Self::ParkedOld => {
                "Something has been parked at the connection for over an hour; `since` is when."
            }
            Self::BackfillDone => {
                "A backfill has ended that somebody waited for; `count` events were sent in its last run."
            }
        }
    }

    /// The least time between two of one connection, in milliseconds.
    #[must_use]
    pub fn spacing_ms(self) -> i64 {
        match self {
            Self::Suspended | Self::Resumed | Self::DeadLetters | Self::BackfillDone => QUARTER_MS,
            Self::ParkedOld => 4 * QUARTER_MS,
            // An allowance is a day's.
            Self::QuotaLow => 24 * QUARTER_MS,
        }
    }

    /// Whether it is of a state that lasts, and is raised again while it does: then `count` and `since` are those of the last look,
    /// and it is not raised before it may be told again, so that nobody is told of what is over.
    #[must_use]
    pub fn lasts(self) -> bool {
        matches!(self, Self::QuotaLow | Self::ParkedOld)
    }

    /// How long others of the kind are gathered before the first is told, in milliseconds.
    #[must_use]
    pub fn gathers_ms(self) -> i64 {
        if self == Self::DeadLetters { 10_000 } else { 0 }
    }
}

impl Notice {
    /// Its name among the notices: the kind and the connection.
    #[must_use]
    pub fn key(&self) -> String {
        join(&[&self.org_id, self.connection.as_deref().unwrap_or("-"), self.kind.as_str()])
    }

    /// When it may be told, where one of its kind was told of the connection at `before`.
    #[must_use]
    pub fn due_at(&self, now: Instant, before: Option<Instant>) -> Instant {
        before.map_or(now, |before| now.max(before.plus_ms(self.kind.spacing_ms())))
    }

    /// What to do about it.
    #[must_use]
    pub fn action(&self) -> String {
        let org = &self.org_id;
        let whole =
            self.connection.as_ref().map_or_else(|| org.clone(), |connection| format!("{org} {connection}"));
        let of = self.connection.as_ref().map_or_else(
            || format!("--org {org}"),
            |connection| format!("--org {org} --connection {connection}"),
        );
        match self.kind {
            NoticeKind::Suspended => {
                let provider = self.provider.as_deref().unwrap_or("PROVIDER");
                let other = self.connection.as_ref().filter(|connection| *connection != provider);
                let other =
                    other.map_or_else(String::new, |connection| format!(" --connection {connection}"));
                format!(
                    "connect the account anew: rtr connection connect {org} {provider}{other}; then rtr connection test {whole}"
                )
            }
            NoticeKind::Resumed => format!("nothing: rtr connection list {org} shows it drain"),
            NoticeKind::QuotaLow => {
                format!(
                    "rtr connection list {org} shows what is left; ask for a larger allowance, or send less: backfills and polls keep to reserve.backfill"
                )
            }
            NoticeKind::DeadLetters => format!("rtr dlq list {of} --group-by code,field"),
            NoticeKind::ParkedOld => format!("rtr parked list {of} --group-by code"),
            NoticeKind::BackfillDone => format!("rtr dlq list {of} shows what of it needs a person"),
        }
    }

    /// The event's detail.
    #[must_use]
    pub fn detail(&self) -> Value {
        json!({
            "org_id": self.org_id,
            "connection": self.connection,
            "provider": self.provider,
            "code": self.code,
            "count": self.count,
            "since": self.since.to_rfc3339(),
            "action": self.action(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(kind: NoticeKind) -> Notice {
        Notice {
            kind,
            org_id: "acme".to_owned(),
            connection: Some("hubspot-eu".to_owned()),
            provider: Some("hubspot".to_owned()),
            code: Some(Code::Suspended),
            count: 3,
            since: Instant(1_795_000_000_000),
            once: None,
        }
    }

    #[test]
    fn given_each_kind_when_told_then_the_detail_is_the_contracts_and_says_what_to_do() {
        let told: Vec<String> = NoticeKind::ALL
            .iter()
            .map(|kind| format!("{} {}", kind.as_str(), notice(*kind).detail()))
            .collect();
        insta::assert_snapshot!(told[0], @r#"connection.suspended {"action":"connect the account anew: rtr connection connect acme hubspot --connection hubspot-eu; then rtr connection test acme hubspot-eu","code":"RTR4004","connection":"hubspot-eu","count":3,"org_id":"acme","provider":"hubspot","since":"2026-11-18T11:06:40.000Z"}"#);
        for (kind, told) in NoticeKind::ALL.iter().zip(&told) {
            assert_eq!(NoticeKind::from_name(kind.as_str()), Some(*kind));
            assert!(told.contains("rtr "), "{told}");
            assert!(kind.spacing_ms() >= QUARTER_MS, "{kind:?}");
        }
        let of_org = Notice { connection: None, provider: None, ..notice(NoticeKind::DeadLetters) };
        assert_eq!(of_org.action(), "rtr dlq list --org acme --group-by code,field");
    }

    #[test]
    fn given_one_told_a_moment_ago_when_another_comes_then_it_waits_for_the_rest_of_its_time() {
        let notice = notice(NoticeKind::DeadLetters);
        assert_eq!(notice.due_at(Instant(5), None), Instant(5));
        assert_eq!(notice.due_at(Instant(1_000), Some(Instant(500))), Instant(900_500));
        assert_eq!(notice.due_at(Instant(2_000_000), Some(Instant(500))), Instant(2_000_000));
    }
}
