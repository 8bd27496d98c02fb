//! The faults: what each is, and the step at which it strikes. Ids as in `docs/faults.md`.

/// The steps at which something can go wrong. Each counts its chances by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// The event source mapping asks the queue.
    Receive,
    /// A batch is on its way to the function.
    Delivery,
    /// A baton is on its way to the bulk function.
    Baton,
    /// The function runs.
    Invocation,
    /// The function's answer is on its way back, and what the mapping then does.
    Answer,
    /// An environment starts.
    Start,
    /// Items are read.
    Read,
    /// Items are written.
    Write,
    /// A function is about to write items.
    Store,
    /// An item is written with its claims.
    Transact,
    /// An index is asked.
    Index,
    /// A body is stored or fetched.
    Body,
    /// The limiter is asked for tokens.
    Lease,
    /// Anything else is asked of the limits table.
    Limit,
    /// Configuration is read.
    Config,
    /// A secret is read.
    SecretRead,
    /// A secret is written.
    SecretWrite,
    /// A message is sent by a function.
    Send,
    /// A visibility is set.
    Visibility,
    /// A CRM is asked to change something.
    CrmWrite,
    /// A CRM is asked a question.
    CrmRead,
    /// A CRM is asked for a token.
    CrmToken,
    /// The internal system is told of a change.
    House,
    /// A poll waits for something.
    PollWait,
    /// A job of a CRM's is told to start.
    Job,
    /// A CRM is asked what became of a job's rows.
    JobList,
    /// No step: it comes at its time.
    Time,
}

impl Site {
    /// Chances of it in an ordinary history: a fault is planned for one of them.
    #[must_use]
    pub fn usual(self) -> u32 {
        match self {
            Self::Receive | Self::Delivery | Self::Invocation | Self::Answer => 18,
            Self::Read | Self::Write | Self::Store | Self::CrmWrite => 24,
            Self::Start | Self::Config | Self::SecretRead | Self::Limit => 8,
            Self::Baton | Self::Transact | Self::CrmRead | Self::Send | Self::Visibility | Self::Index => 6,
            Self::Lease => 20,
            Self::Body | Self::SecretWrite | Self::CrmToken | Self::Job => 2,
            Self::JobList => 4,
            Self::House => 8,
            Self::PollWait => 60,
            Self::Time => 1,
        }
    }
}

/// The remote calls in which an invocation may be struck, as the report names them, and how often one is waited for: those
/// the more that come seldom.
pub const STEPS: &[(&str, u32)] = &[
    ("CRM question", 1),
    ("CRM token", 8),
    ("CRM write", 1),
    ("block", 2),
    ("body", 24),
    ("configuration", 1),
    ("delete", 1),
    ("delete_body", 16),
    ("due", 1),
    ("known", 8),
    ("lanes_due", 1),
    ("lease", 1),
    ("lock", 8),
    ("note_account", 16),
    ("note_replaced", 8),
    ("parked", 1),
    ("pass_lane", 1),
    ("put_body", 24),
    ("read", 1),
    ("read_named", 1),
    ("secret read", 1),
    ("secret write", 8),
    ("send", 1),
    ("set_suspension", 16),
    ("set_visibility", 1),
    ("suspension", 1),
    ("take_lane", 1),
    ("transact", 1),
    ("unlock", 8),
    ("want_lane", 2),
    ("waiting_for", 1),
    ("write", 1),
];

/// The same of jobs of the CRMs', where a history has them.
pub const JOB_STEPS: &[(&str, u32)] = &[
    ("job abort", 40),
    ("job fill", 8),
    ("job open", 8),
    ("job results", 8),
    ("job start", 8),
    ("job state", 8),
    ("note_lane", 8),
];

/// The same of the way back, where a history goes both ways.
pub const BACK_STEPS: &[(&str, u32)] =
    &[("told", 6), ("owners", 4), ("open_offers", 6), ("close_offers", 6), ("offers", 4)];

/// The remote call that `number` draws, of those that every history has and `more`.
#[must_use]
pub fn step_drawn(number: u32, more: &'static [(&'static str, u32)]) -> &'static str {
    let steps = || STEPS.iter().chain(more);
    let all: u32 = steps().map(|(_, weight)| weight).sum();
    let mut left = number % all.max(1);
    for (step, weight) in steps() {
        match left.checked_sub(*weight) {
            Some(more) => left = more,
            None => return step,
        }
    }
    STEPS[0].0
}

/// The faults that strike an invocation in one of them.
pub const STRIKING: [Fault; 4] = [Fault::Killed, Fault::Frozen, Fault::Failed, Fault::OutOfMemory];

macro_rules! faults {
    ($($fault:ident $id:literal $site:ident $words:literal;)*) => {
        /// A fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $(#[doc = $words] $fault,)* }

        impl Fault {
            /// Every one that is planned for a step.
            pub const ALL: &'static [Self] = &[$(Self::$fault,)*];

            /// Its id in `docs/faults.md`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$fault => $id,)* }
            }

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$fault => stringify!($fault),)* }
            }

            /// Where it strikes.
            #[must_use]
            pub fn site(self) -> Site {
                match self { $(Self::$fault => Site::$site,)* }
            }

            /// What it is.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$fault => $words,)* }
            }
        }
    };
}

faults! {
    DeletesLost "F1" Answer "the deletes of a settled batch are lost";
    DeliveredLate "F2" Delivery "a batch reaches the function when others may have its messages";
    DeliveredTwice "F3" Delivery "a batch is run twice, the second time once its messages were visible again";
    Throttled "F10" Delivery "the invocation is throttled: received, never run";
    Failed "F11" Invocation "the invocation ends in an error after part of its work";
    AnswerLost "F12" Answer "the list of failures is lost";
    AnswerWrong "F12" Answer "the list of failures names a message that is not there";
    ReceivesNothing "F13" Receive "a receive returns nothing";
    Killed "F17" Invocation "the function is killed where it waits";
    Frozen "F18" Invocation "the function stands still where it waits, and goes on later";
    NoTime "F19" Invocation "the invocation begins with no time left";
    ClockSteps "F20" Time "an environment's clock steps by up to five minutes, and back";
    OutOfMemory "F21" Invocation "the function dies of its memory where it waits";
    OldBuild "F22" Start "an environment runs the build before this one";
    AllCold "F23" Time "every environment is replaced by a cold one";
    ReadThrottled "F24" Read "a read is throttled";
    WriteThrottled "F24" Write "a batch of writes is throttled";
    ForeignWrite "F25" Store "somebody else writes the item first";
    WriteAnswerLost "F26" Write "a write is done, its answer lost";
    WriteSentTwice "F26" Write "a write is done and sent again: the copy is refused";
    TransactAnswerLost "F26" Transact "a transaction is done, its answer lost";
    TransactSentTwice "F26" Transact "a transaction is done and sent again";
    IndexStale "F27" Index "an index shows what stood there a while ago";
    IndexDown "F27" Index "an index does not answer";
    WritePartly "F28" Write "some statements of a batch are done and some are not";
    TablesDown "F29" Time "no table answers, for up to three hours";
    BodyLost "F26" Body "a body is stored or removed, the answer lost";
    BodyDown "F30" Body "a body can be neither stored nor fetched";
    TransactConflict "F31" Transact "a transaction conflicts with another";
    CrmAnswerLost "F32" CrmWrite "the CRM has done it, the answer is lost";
    CrmLandsLate "F32" CrmWrite "the connection breaks, and the request lands later";
    CrmNeverCame "F32" CrmWrite "the connection breaks before the request came";
    CrmReadLost "F32" CrmRead "the answer to a question is lost";
    CrmThrottles "F33" CrmWrite "the CRM wants a rest and says how long";
    CrmThrottlesSilently "F33" CrmWrite "the CRM wants a rest and does not say how long";
    CrmThrottlesWrongly "F33" CrmWrite "the CRM names a rest that is no number";
    CrmThrottlesReads "F33" CrmRead "the CRM wants a rest before it answers questions";
    CrmQuota "F33" CrmWrite "the account's allowance is used up";
    CrmDown "F34" CrmWrite "the CRM is down for a while";
    CrmSlow "F34" CrmWrite "the CRM answers after many seconds";
    CrmReadDown "F34" CrmRead "the CRM answers no question for a while";
    CrmReorders "F35" CrmWrite "the results stand in another order";
    CrmOmits "F35" CrmWrite "a result is left out";
    CrmSearchLags "F36" CrmWrite "searches do not see the write for a while";
    SomebodyDeletes "F37" Time "somebody deletes a record in the CRM";
    SomebodyMerges "F37" Time "somebody merges two records in the CRM";
    TokenExpires "F38" CrmWrite "the token expires at this moment";
    TokenRevoked "F38" Time "somebody revokes every token of an account";
    RefreshLost "F38" CrmToken "a token is given out, the answer is lost";
    RefreshDown "F38" CrmToken "no token is given out for a while";
    FieldRefused "F39" Time "the CRM refuses a field for a while, and repeats the value";
    CrmEmpty "F40" CrmWrite "a success without a body";
    CrmPage "F40" CrmWrite "a page for people in the CRM's stead";
    CrmTruncates "F40" CrmWrite "half of the answer";
    CrmRedirects "F40" CrmWrite "a redirect to another host";
    SecretDown "F47" SecretRead "a secret cannot be read";
    SecretWriteLost "F47" SecretWrite "a secret is written, the answer lost";
    SecretWriteDown "F47" SecretWrite "a secret cannot be written";
    ConfigChanges "F48" Time "a new mapping is applied while batches run";
    ConfigSpoilt "F48" Time "what is stored as configuration cannot be used for a while";
    ConfigDown "F48" Config "the configuration cannot be read";
    OrgPaused "F49" Time "a connection is paused for a while";
    OrgGone "F49" Time "an org has no configuration for a while";
    LeaseLost "F24" Lease "tokens are taken, the answer is lost";
    LeaseDown "F24" Lease "the limiter refuses to answer";
    LeaseHangs "F24" Lease "the limiter takes seconds";
    LimitsDown "F29" Time "the limits table does not answer for a while";
    LimitLost "F26" Limit "a lock or a note is written, the answer lost";
    LimitDown "F24" Limit "a lock or a note cannot be written";
    SendLost "F26" Send "a message is sent, the answer lost";
    SendDown "F24" Send "a message cannot be sent";
    VisibilityLost "F26" Visibility "a visibility is set, the answer lost";
    VisibilityDown "F24" Visibility "a visibility cannot be set";
    BatonLost "F51" Baton "a baton is lost";
    WakeOld "F9" Time "an older dead version is redriven after a newer one came";
    JobFails "F52" Job "a job of the CRM's fails after some of its rows";
    JobSlow "F52" Job "a job of the CRM's takes up to two hours";
    JobListCut "F52" JobList "half of the list of what became of a job's rows";
    JobPaused "F49" Job "a connection is paused as a job of it starts";
    GroupsChange "F53" Time "the number of message groups is changed while events flow";
    CrmPaused "F49" Time "every connection to one vendor is paused for a while";
    SomebodyDrops "F54" Time "somebody gives up what is parked of a record";
    HouseAnswerLost "F55" House "the internal system takes it, the answer is lost";
    HouseLandsLate "F55" House "the connection breaks, and the internal system takes it later";
    HouseNeverCame "F55" House "the connection breaks before the internal system has it";
    HouseBusy "F55" House "the internal system says to come again";
    HouseRefuses "F55" House "the internal system refuses a change, until a person has seen to it";
    HouseDown "F55" House "the internal system is down for a while";
    PollKilled "F46" PollWait "a poll is killed where it waits";
}

/// The faults that are drawn by themselves, when everything else is: so that the histories of old seeds stay.
pub const LATER: &[Fault] = &[
    Fault::JobFails,
    Fault::JobSlow,
    Fault::JobListCut,
    Fault::JobPaused,
    Fault::GroupsChange,
    Fault::CrmPaused,
    Fault::SomebodyDrops,
    Fault::HouseAnswerLost,
    Fault::HouseLandsLate,
    Fault::HouseNeverCame,
    Fault::HouseBusy,
    Fault::HouseRefuses,
    Fault::HouseDown,
    Fault::PollKilled,
];

/// The faults that only histories have that go both ways.
pub const BACK: &[Fault] = &[
    Fault::HouseAnswerLost,
    Fault::HouseLandsLate,
    Fault::HouseNeverCame,
    Fault::HouseBusy,
    Fault::HouseRefuses,
    Fault::HouseDown,
    Fault::PollKilled,
];

/// Shapes of those.
pub const BACK_SHAPES: &[(&str, &str, &str)] = &[
    ("F41", "HookLost", "a webhook is lost"),
    ("F41", "HookTwice", "a webhook comes twice"),
    ("F41", "HookLate", "a webhook comes up to an hour late"),
    ("F43", "HookOfOurs", "a webhook tells of our own write"),
    ("F43", "PersonByMachine", "a person changes records by an integration, as we do"),
    ("F44", "BothSides", "both sides change a field within seconds"),
    ("F45", "HookFlood", "webhooks come in a flood"),
    ("F46", "OneStamp", "many records are changed at one time"),
    ("F43", "ToldAgain", "the internal system is told what it was told, under another id"),
];

/// Faults that are shapes of what is sent and how it is kept: counted where they show.
pub const SHAPES: &[(&str, &str, &str)] = &[
    ("F4", "BatchMixed", "a batch mixes groups and orgs"),
    ("F5", "SentAgainLate", "an event is sent again after the deduplication forgot it"),
    ("F6", "SentAgainOther", "an event is sent again under another deduplication id"),
    ("F7", "Poison", "a record that the CRM never takes"),
    ("F8", "GivenUp", "the queue moves a message to the dead-letter queue and its successor overtakes it"),
    ("F16", "Spoilt", "a message is no event"),
    ("F21", "Deadly", "a function dies of a record, whenever it calls a CRM with it"),
    ("F21", "CrashFiled", "a record that its function died of is filed as dead"),
    ("F30", "Large", "a record is larger than an item"),
    ("F50", "Repeated", "an error of the CRM repeats a value"),
];
