//! Everything that is counted or measured, by name: what the functions print is one of these, and the reference lists no other.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// A time in milliseconds.
    Milliseconds,
}

/// By what a metric is told apart beside function and stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Nothing: it is the function's.
    Function,
    /// The CRM's provider too, where it concerns one.
    Provider,
}

macro_rules! metrics {
    ($($name:ident = $text:literal, $unit:ident, $of:ident, $by:literal, $about:literal;)+) => {
        /// A metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Metric {
            $(#[doc = $about] $name,)+
        }

        impl Metric {
            /// Every metric, as the reference lists them.
            pub const ALL: &'static [Metric] = &[$(Metric::$name,)+];

            /// The name in CloudWatch and in reports.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Metric::$name => $text,)+ }
            }

            /// What its values are.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Metric::$name => Unit::$unit,)+ }
            }

            /// By what it is told apart.
            #[must_use]
            pub fn of(self) -> Of {
                match self { $(Metric::$name => Of::$of,)+ }
            }

            /// The functions that print it.
            #[must_use]
            pub fn by(self) -> &'static str {
                match self { $(Metric::$name => $by,)+ }
            }

            /// What it says, in a sentence.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Metric::$name => $about,)+ }
            }
        }
    };
}

metrics! {
    // Messages: `messages` = `returned` + `sent_on` + `wakes` + `looks_done` + `events` for `sync`.
    Messages = "messages", Count, Function, "sync bulk redrive apply poll", "Messages that were received, each receive of one being counted.";
    Returned = "returned", Count, Function, "sync bulk redrive apply poll", "Messages that go back to their queue and come again: what could not go now, and what is behind it in its group.";
    SentOn = "sent_on", Count, Function, "sync", "Messages that arrived in a group not their own and were sent on to it: after a change of GroupBuckets, or of a producer that sends wrongly.";
    Wakes = "wakes", Count, Function, "sync", "Wake-ups that are done: of what waited, or was redriven.";
    LooksDone = "looks_done", Count, Function, "sync", "Looks at what a CRM told of that are done.";
    // Events: `events` is the sum of the six `event_…`.
    Events = "events", Count, Function, "sync", "Change events that have left the queue: each is one of the six below, once.";
    EventApplied = "event_applied", Count, Function, "sync", "Events that at least one CRM confirmed, nothing of them being parked or dead.";
    EventUnchanged = "event_unchanged", Count, Function, "sync", "Events that the CRMs had already.";
    EventSuperseded = "event_superseded", Count, Function, "sync", "Events that an equal or newer version made needless.";
    EventSkipped = "event_skipped", Count, Function, "sync", "Events that go nowhere: no route, or the mapping says no.";
    EventParked = "event_parked", Count, Function, "sync", "Events of which at least one CRM's part is parked, and goes by itself later.";
    EventDead = "event_dead", Count, Function, "sync", "Events of which at least one CRM's part needs a person.";
    // Endings, one for each event and connection, or parked version that a lane takes up.
    Applied = "applied", Count, Provider, "sync bulk", "Versions that a CRM confirmed.";
    Unchanged = "unchanged", Count, Provider, "sync bulk", "Versions equal to what was last written.";
    Superseded = "superseded", Count, Provider, "sync bulk redrive apply poll", "Versions that an equal or newer one was before; of `redrive`, `apply` and `poll` messages that others have worked.";
    Skipped = "skipped", Count, Provider, "sync bulk apply", "Versions that go nowhere: no route, the mapping says no; of `apply` 410, or no `inbound` any more.";
    Parked = "parked", Count, Provider, "sync bulk apply", "Versions that cannot go now and go by themselves, in the queue or in a slot.";
    Dead = "dead", Count, Provider, "sync bulk redrive apply ingest", "Versions that need a person.";
    Backfilled = "backfilled", Count, Function, "sync", "Versions that were parked for the bulk lane since a backfill brought them.";
    Dropped = "dropped", Count, Function, "bulk", "Parked versions that a person gave up.";
    PutOff = "put_off", Count, Function, "bulk", "Parked versions that stay so until later.";
    // Time.
    LatencyMs = "latency_ms", Milliseconds, Provider, "sync", "From the event's arrival in changes.fifo to the CRM's confirmation, of events that went at their first receive.";
    LatencyHeldMs = "latency_held_ms", Milliseconds, Provider, "sync bulk", "The same of what waited: in the queue, parked, or for another record.";
    ParkedAgeMs = "parked_age_ms", Milliseconds, Provider, "bulk", "Age of the parked version that goes first, each time that its connection's lane is looked at.";
    TokensWaitMs = "tokens_wait_ms", Milliseconds, Provider, "sync bulk apply poll", "How long a call waited for its token, of calls that had to wait.";
    // Calls of CRMs.
    CrmCalls = "crm_calls", Count, Provider, "sync bulk apply poll", "Calls that were let through to a CRM.";
    CrmFailed = "crm_failed", Count, Provider, "sync bulk apply poll", "Of these: no answer, or one that says that the CRM is not well (5xx).";
    CrmThrottled = "crm_throttled", Count, Provider, "sync bulk apply poll", "Of these: refused for a rate limit (429, or the CRM's own word for it).";
    CrmUnauthorized = "crm_unauthorized", Count, Provider, "sync bulk apply poll", "Of these: credentials refused, or a right that they lack (401, 403).";
    CrmRefused = "crm_refused", Count, Provider, "sync bulk apply poll", "Of these: any other refusal (4xx).";
    QuotaLow = "quota_low", Count, Provider, "sync bulk apply poll", "Invocations in which a CRM said that 90 % of the account's own allowance is used.";
    BreakerOpened = "breaker_opened", Count, Provider, "sync bulk apply poll", "Times that a CRM's calls began to rest since it failed or was slow again and again.";
    LimiterUnavailable = "limiter_unavailable", Count, Provider, "sync bulk apply poll", "Calls that went without the limiter, which did not answer: within the backstop, but unshared.";
    // What should not be, and what explains the rest.
    Overtaken = "overtaken", Count, Function, "sync bulk", "Older calls that landed after a newer one: the newer version is written again with the next change.";
    VersionReused = "version_reused", Count, Function, "sync bulk", "Events that bring the same version with other content.";
    UnknownFields = "unknown_fields", Count, Function, "sync", "Fields of events that no contract knows; they are ignored.";
    Malformed = "malformed", Count, Function, "sync apply", "Messages that cannot be read; each is a dead letter.";
    LinkedMeanwhile = "linked_meanwhile", Count, Function, "sync bulk", "Versions about to wait for a record that was linked at that moment, and went.";
    Passed = "passed", Count, Function, "sync", "Older versions that left their slots since a newer one was told.";
    Woken = "woken", Count, Function, "sync bulk sweep", "Wake-ups sent: by a first link to what waited for it, or since a look was due.";
    Started = "started", Count, Function, "sweep", "Bulk lanes started since they were due.";
    NoticesSent = "notices_sent", Count, Function, "sweep", "Notifications put on the event bus.";
    NoticesFailed = "notices_failed", Count, Function, "sweep", "Notifications that could not be put there; they are tried again.";
    JobsBegun = "jobs_begun", Count, Function, "bulk", "Jobs of a CRM's that were begun.";
    JobRows = "job_rows", Count, Function, "bulk", "Records given to jobs.";
    JobsEnded = "jobs_ended", Count, Function, "bulk", "Jobs whose results are settled.";
    JobRowsAgain = "job_rows_again", Count, Function, "bulk", "Records of jobs that go by a call after all.";
    Filed = "filed", Count, Function, "redrive", "Dead letters that were filed with their record.";
    // In.
    IngestReceived = "ingest_received", Count, Function, "ingest", "Events that came.";
    IngestAccepted = "ingest_accepted", Count, Function, "ingest", "Events that changes.fifo has.";
    IngestRefused = "ingest_refused", Count, Function, "ingest", "Events that are wrong; over HTTP the answer says so, else each is a dead letter.";
    IngestPutOff = "ingest_put_off", Count, Function, "ingest", "Events that may be sent again, or come again by themselves.";
    IngestTombstones = "ingest_tombstones", Count, Function, "ingest", "Kafka records without a value.";
    IngestUnauthorized = "ingest_unauthorized", Count, Function, "ingest", "Requests that were not let in.";
    IngestLimiterOpen = "ingest_limiter_open", Count, Function, "ingest", "Orgs whose rate could not be looked at: all of theirs was let through.";
    // The way back.
    Calls = "calls", Count, Function, "webhook", "Requests of CRMs.";
    TookMs = "took_ms", Milliseconds, Function, "webhook", "How long a request took.";
    Refused = "refused", Count, Function, "webhook", "Requests that were not let in: no such connection, forged, or too old.";
    Relayed = "relayed", Count, Function, "webhook", "Events that came through an event bus.";
    TooLarge = "too_large", Count, Function, "webhook", "Requests that are larger than is taken.";
    UnreadableCalls = "unreadable_calls", Count, Function, "webhook", "Requests that could not be read.";
    Unavailable = "unavailable", Count, Function, "webhook", "Requests that could not be worked off since a store or a queue did not answer.";
    OutOfTime = "out_of_time", Count, Function, "webhook", "Requests that could not be worked off in time.";
    Heard = "heard", Count, Function, "webhook", "Changes that requests told of.";
    Ignored = "ignored", Count, Function, "webhook", "Changes of what nothing is mapped from.";
    Unreadable = "unreadable", Count, Function, "webhook", "Parts of requests that could not be read.";
    Foreign = "foreign", Count, Function, "webhook", "Changes of another account than the connection's.";
    Coalesced = "coalesced", Count, Function, "webhook", "Changes of one record in one request that one notice stands for.";
    Enqueued = "enqueued", Count, Function, "webhook", "Notices that inbound.fifo has.";
    Looks = "looks", Count, Function, "sync", "Looks at records that CRMs told of.";
    Told = "told", Count, Function, "sync", "Changes of CRMs that were sent on to be delivered.";
    Echoes = "echoes", Count, Function, "sync apply poll", "What CRMs told of and is nothing new: our own writes among it.";
    InboundLost = "inbound_lost", Count, Function, "sync", "Properties in which a version that waits or is dead wins over the CRM's change.";
    NearMisses = "near_misses", Count, Function, "sync", "Changes that an integration made, by the CRM's word, and that are no write of ours.";
    LooksMoved = "looks_moved", Count, Function, "sync", "Looks at what is linked to another record by now.";
    LooksPutOff = "looks_put_off", Count, Function, "sync", "Looks that could not be done now.";
    LooksDead = "looks_dead", Count, Function, "sync", "Looks that need a person.";
    LooksOverwritten = "looks_overwritten", Count, Function, "sync", "Refused changes that need not be told any more: a version was written over them.";
    LooksIdle = "looks_idle", Count, Function, "sync", "Looks where nothing flows back any more.";
    LooksAsked = "looks_asked", Count, Function, "apply", "Linked records whose own worker was asked to look.";
    Delivered = "delivered", Count, Function, "apply", "Changes that the internal system took.";
    Offered = "offered", Count, Function, "apply", "New records that it took.";
    Conflicts = "conflicts", Count, Function, "apply", "Changes that it answered with 409.";
    Repeated = "repeated", Count, Function, "apply", "Changes that it knows already.";
    Behind = "behind", Count, Function, "apply", "Changes that wait behind an earlier one of their record.";
    NotMapped = "not_mapped", Count, Function, "apply", "New records that no mapping could be of.";
    Ambiguous = "ambiguous", Count, Function, "apply", "New records that more than one mapping could be of.";
    Duplicates = "duplicates", Count, Function, "apply", "Answers that name a record which is linked to another of that CRM.";
    Feeds = "feeds", Count, Function, "sync apply poll", "Polls that were looked for, so that each has begun.";
    Begun = "begun", Count, Function, "sync apply poll", "Polls that were begun.";
    Polled = "polled", Count, Function, "poll", "Records that polls read.";
    Noticed = "noticed", Count, Function, "poll", "Changes that polls sent on.";
    PollsIdle = "polls_idle", Count, Function, "poll", "Polls of what is paused, shadowed, or flows nowhere.";
    PollsRefused = "polls_refused", Count, Function, "poll", "Polls that a CRM refuses for longer than a limit or a rest; a `poll` line says why.";
}

impl Metric {
    /// The metric of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }
}

impl From<crate::item::Ended> for Metric {
    fn from(ended: crate::item::Ended) -> Self {
        use crate::item::Ended;
        match ended {
            Ended::Applied => Self::Applied,
            Ended::Unchanged => Self::Unchanged,
            Ended::Superseded => Self::Superseded,
            Ended::Skipped => Self::Skipped,
            Ended::Parked => Self::Parked,
            Ended::Dead => Self::Dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_metrics_when_listed_then_no_two_have_one_name_and_times_end_in_their_unit() {
        let mut names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Metric::ALL.len());
        for metric in Metric::ALL {
            assert_eq!(metric.unit() == Unit::Milliseconds, metric.name().ends_with("_ms"), "{metric:?}");
            assert_eq!(Metric::from_name(metric.name()), Some(*metric));
        }
    }
}
