//! Planted bugs, to show that the watch sees them: each at a seam, each with the invariant it is meant to break.

mod back;
mod blind;
mod bodies;
mod clock;
mod http;
mod lanes;
mod layer;
mod limits;
mod records;
mod stores;

use crate::core::Core;
use crate::env::Dress;
use std::sync::Arc;

macro_rules! mutants {
    ($($mutant:ident [$($invariant:literal)*] $words:literal;)*) => {
        /// A planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mutant { $(#[doc = $words] $mutant,)* }

        impl Mutant {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$mutant,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$mutant => stringify!($mutant),)* }
            }

            /// The invariants, any of which is to catch it.
            #[must_use]
            pub fn breaks(self) -> &'static [&'static str] {
                match self { $(Self::$mutant => &[$($invariant,)*],)* }
            }
        }
    };
}

mutants! {
    AcknowledgesFirst ["I1"] "a batch is deleted from the queue before it is worked";
    DropsBodies ["I20"] "a large record is not stored where its item says";
    DropsLetters ["I1"] "a dead letter is not sent";
    DropsSlots ["I1"] "what is parked or dead is not kept";
    NoFence ["I2"] "the version applied is not looked at";
    TwiceCreated ["I3"] "a question after a record always finds nothing";
    ResendsUnknown ["I3"] "a lost answer is taken for a refusal and the request sent again";
    NoClaims ["I4"] "links are written without their claims";
    StaleHash ["I5"] "the digest of what was written is not updated";
    Miscounts ["I1"] "what is returned is counted as nothing";
    PretendsDone ["I5" "I1"] "a write is answered as done and never sent";
    TooFewFailures ["I7"] "the last failure of a batch is left out";
    NamesStrangers ["I8"] "the list of failures names a message of another batch";
    FailsForOne ["I8"] "a statement that is refused fails the function";
    LeaseForEver ["I9"] "a lease is used beyond its tokens and its end";
    TwiceTheLimit ["I9"] "a full bucket and its refill make twice the limit";
    WaitsForLimiter ["I10"] "the limiter is waited for without end";
    AsksLimiterAlways ["I10"] "that a limiter does not answer is forgotten at once";
    NoIntent ["I11"] "a create without a key begins without a durable intent";
    OneAtATime ["I12"] "all calls of an environment wait for each other, and for one that was not answered";
    LockForEver ["I13"] "a lock does not end with its holder";
    RetriesForEver ["I14"] "a refused call is sent again and again";
    DeafToRests ["I15"] "the rest that a CRM asks for is not heard";
    LogsValues ["I16"] "a record's values are logged";
    LogsTokens ["I16"] "a token is logged";
    SharesSecrets ["I17"] "one org's secret is used for all";
    SharesConfigs ["I17"] "one org's configuration is used for all";
    FollowsRedirects ["I19"] "a redirect is followed wherever it leads";
    TossesCoins ["I21"] "chance comes from outside";
    WritesTwice ["I22"] "every write is sent twice";
    Resurrects ["I23" "I2"] "a tombstone is not looked at";
    ReadsEventually ["I2"] "items are read without strong consistency: for a moment after a write what stood there before";
    OverlooksStatementErrors ["I1"] "a batch of writes of which some were done counts as done";
    LettersStay ["I2"] "a dead letter is not taken away when a newer version comes";
    DeletesRevive ["I23"] "of a parked version it is not kept that it is a delete";
    BodyReadOnce ["I20"] "a stored body is removed when it is fetched, not when nothing names it";
    ResultsByPosition ["I2"] "a batch's results are taken for its inputs' by their places";
    AssociatesNeighbours ["I5"] "in a batch of associations each record gets its neighbour's parent";
    RestUnshared ["I15"] "the rest that a CRM asks for is not told to other environments";
    TokensPending ["I13"] "refreshed tokens are stored where nobody reads them";
    NoBackstop ["I9"] "a limiter that does not answer is taken for one that lets everything through";
    RefusesUnanswered ["I9"] "while the limiter does not answer, calls are refused for a minute";
    LogsRefreshTokens ["I16"] "a refresh token is logged";
    ReturnsNeighbours ["I7"] "one failure returns all later messages of its org, whatever their group";
    TiesWrongAccount ["I5"] "a contact is tied to the account of the contact before it";
    LeavesFieldOut ["I5"] "a mapped field is never sent";
    SendsOneByOne ["I22"] "each record of a batch has a call of its own";
    WorksAgain ["I22"] "a version that is applied already is worked again";
    ForgetsCrashes ["I14"] "that work on a record begins is not kept, so that its crashes are not counted";
    NeverOpens ["I25"] "failures of a CRM are not told to the breaker";
    NeverCloses ["I25"] "that a probe went well is not told to the breaker";
    EverybodyProbes ["I24"] "at half-open each takes the probe for its own";
    EverybodyEnters ["I24"] "just after closing each goes, whether there is a place among the calls in flight or not";
    LaneUnwanted ["I1"] "who parks does not see to it that the lane is looked at";
    BackfillUnseen ["I1"] "what backfills brought of the parked work is never looked for";
    LaneForgotten ["I1"] "a lane that was worked is never looked at again";
    CutsHolds ["I2" "I3"] "what is parked is taken up before its time";
    SharesParked ["I1" "I2" "I3"] "the sync lane calls for a record whose version is parked";
    EndsNewer ["I1"] "what the bulk lane has told takes the newer version that was parked meanwhile with it";
    BatonsMultiply ["I2" "I3" "I14"] "every baton is worth something, so that a lane has several workers";
    JobUnnoted ["I27"] "a job of the CRM's is started before the lane's note of it is written";
    SharesJobs ["I26"] "what a job of the CRM's has is called for by other ways meanwhile";
    PauseUnheard ["I28"] "the bulk lane goes on at a connection that a person has paused";
    WorksStrays ["I29"] "a message in another group than its own is worked there";
    DropsUnfenced ["I1" "I2"] "what a person gave up leaves the version's fence where it was";
    BackfillWins ["I2"] "what a backfill brings is told over what is newer";
    BaseUnnoted ["I6"] "what the internal system was told of is not noted";
    JudgesApart ["I29"] "what a CRM holds is judged by whoever hears of it, not by the record's own worker";
    WritesBlindly ["I30"] "what a CRM holds is not read before it is written over";
    OffersUnheard ["I3"] "records are made at a CRM while one of its own is being offered";
    StampAlone ["I5" "I30"] "of two changes with one stamp the second has the version of the first";
    ReplacesWaiting ["I5" "I30"] "what could not be told yet is forgotten for what came later";
    PlaceAhead ["I3" "I5" "I30"] "a poll's place is moved before its page is on the queue";
    NoOverlap ["I3" "I5" "I30"] "a poll goes on where it was, as if every change were seen at the stamp it bears";
    DropsMachines ["I3" "I5" "I30"] "whatever an integration did is taken for our own";
    ForgetsSent ["I6"] "what was sent without an answer is not kept, so that it is taken for the CRM's own";
}

impl Mutant {
    /// Whether it is one of the way back, which only shows in histories that go both ways.
    #[must_use]
    pub fn is_back(self) -> bool {
        self as usize >= Self::BaseUnnoted as usize
    }
}

/// Dresses an environment's seams with `mutant`'s bug.
#[must_use]
pub fn dress(mutant: Option<Mutant>, core: &Arc<Core>, dress: Dress) -> Dress {
    let Some(mutant) = mutant else { return dress };
    let dress = records::dress(mutant, core, dress);
    let dress = lanes::dress(mutant, core, dress);
    let dress = http::dress(mutant, core, dress);
    let dress = bodies::dress(mutant, dress);
    let dress = limits::dress(mutant, core, dress);
    let dress = stores::dress(mutant, dress);
    let dress = blind::dress(mutant, core, dress);
    let dress = back::dress(mutant, core, dress);
    clock::dress(mutant, dress)
}
