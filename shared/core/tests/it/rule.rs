//! The protocol's rules, each of which a search may do without, to see that it would be missed.

/// A rule that a search may switch off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Everything for a record goes through its own message group; else redrives and what comes later do not.
    Group,
    /// A message in a group that is not its record's own is sent on.
    Canon,
    /// While a version is parked the sync lane only replaces it.
    Own,
    /// What takes a parked version's place waits as long as that would have.
    Later,
    /// Nobody makes due what waits for a request to land or to die.
    Held,
    /// Somebody drains what is parked.
    Drain,
    /// One worker at a time drains a connection.
    One,
    /// The bulk lane takes nothing up before its time.
    Wait,
    /// What the bulk lane told while a newer version was parked leaves that one parked.
    Beneath,
    /// A call of the bulk lane whose outcome is unknown puts off whatever is parked by then.
    Put,
    /// Only what was received once, with nothing open, is called unchanged.
    Elide,
    /// A skipped version that came before removes the hash.
    Skip,
    /// A skipped version is noted even where nothing was known of its record.
    Note,
    /// A call whose outcome is unknown is tried again only after the request landed or died, its hash removed.
    Hold,
    /// A crashed worker's message comes back only after its requests landed or died.
    Quarantine,
    /// Work on what came back again and again is announced, and given up after some crashes.
    Announce,
    /// What waits for a reference is looked at again by itself.
    Look,
    /// A record's first link wakes those that wait for it.
    Tell,
    /// Only what is newer than what was applied is called.
    Fence,
    /// The fence knows the mapping's revision.
    Revision,
    /// A write is conditioned on what was read.
    Condition,
    /// A writer knows its own write.
    By,
    /// What a newer version of the batch replaces leaves the queue before that is called.
    Compact,
    /// What a newer version passes leaves its slot before that is called.
    Pass,
    /// A message is acknowledged only when each connection's ending is written.
    Acknowledge,
    /// Where the CRM has a unique key, what is not linked is upserted by it.
    Key,
    /// A create without a key is preceded by a durable intent.
    Intent,
    /// An intent whose outcome is unknown stays.
    Withdraw,
    /// An open intent is judged only when its create has landed or died, and can be found.
    Settle,
    /// Before another create the first one is looked for.
    Search,
    /// A link takes a claim that only one record can have.
    Claim,
    /// A record of the CRM is linked before it is written to.
    Adopt,
    /// A delete without a link looks for what may have landed unrecorded.
    Seek,
    /// A delete leaves its version behind.
    Tombstone,
    /// What was made a moment ago and is not found is not gone.
    Young,
}

impl Rule {
    /// Every rule.
    pub(crate) const ALL: [Self; 35] = [
        Self::Group,
        Self::Canon,
        Self::Own,
        Self::Later,
        Self::Held,
        Self::Drain,
        Self::One,
        Self::Wait,
        Self::Beneath,
        Self::Put,
        Self::Elide,
        Self::Skip,
        Self::Note,
        Self::Hold,
        Self::Quarantine,
        Self::Announce,
        Self::Look,
        Self::Tell,
        Self::Fence,
        Self::Revision,
        Self::Condition,
        Self::By,
        Self::Compact,
        Self::Pass,
        Self::Acknowledge,
        Self::Key,
        Self::Intent,
        Self::Withdraw,
        Self::Settle,
        Self::Search,
        Self::Claim,
        Self::Adopt,
        Self::Seek,
        Self::Tombstone,
        Self::Young,
    ];
}
