//! Whose the credentials are, where the stack is, and whether our clock agrees with AWS's. Pure.

use super::checks::{Finding, Seen, finding};
use crate::aws::{Caller, Identity};

/// More than so much off, in milliseconds, and signatures, leases and tokens are judged by another time than they were made by:
/// AWS refuses a request at five minutes.
const OFF_MS: i64 = 30_000;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    /// What AWS says, or why it does not.
    pub(super) caller: Result<Caller, String>,
    /// The region that is asked.
    pub(super) region: Option<String>,
    /// Whether it is the stack of a developer's machine.
    pub(super) is_local: bool,
}

impl Who {
    /// Who we are, as far as that is known.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.caller.as_ref().ok()?.identity.as_ref().ok()
    }

    /// How much our clock is ahead.
    pub(super) fn ahead_ms(&self) -> Option<i64> {
        self.caller.as_ref().ok()?.ahead_ms
    }
}

/// What is wrong with it.
pub(super) fn identity(who: &Who, seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    let mend = "AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret, name others; `aws sts get-caller-identity` says whose they are";
    let refused = match &who.caller {
        Ok(caller) => caller.identity.as_ref().err(),
        Err(why) => Some(why),
    };
    if let Some(why) = refused {
        found.push(finding(
            "account",
            "credentials",
            format!("AWS does not say whose they are: {why}"),
            mend,
        ));
    }
    if let Some((region, account)) = place(seen) {
        if let Some(identity) = who.identity().filter(|identity| identity.account != account && !who.is_local)
        {
            let message = format!("they are of account {}, and the stack is in {account}", identity.account);
            found.push(finding("account", "credentials", message, mend));
        }
        if let Some(asked) = who.region.as_deref().filter(|asked| *asked != region) {
            let message = format!("{asked} is asked, and the stack's functions are in {region}");
            found.push(finding("region", "region", message, &format!("set AWS_REGION to {region}")));
        }
    }
    if let Some(ahead) = who.ahead_ms().filter(|ahead| ahead.abs() > OFF_MS) {
        let word = if ahead > 0 { "ahead of" } else { "behind" };
        let message = format!("it is {} s {word} AWS's", ahead.abs() / 1_000);
        let action = "set it by NTP (timedatectl set-ntp true): times in the audit are wrong, and at five minutes AWS refuses requests";
        found.push(finding("clock", "clock of this machine", message, action));
    }
    found
}

/// The region and the account that the functions are in.
fn place(seen: &Seen) -> Option<(&str, &str)> {
    let arn = seen
        .functions
        .values()
        .flatten()
        .map(|function| function.arn.as_str())
        .find(|arn| !arn.is_empty())?;
    let mut parts = arn.split(':').skip(3);
    Some((parts.next()?, parts.next()?)).filter(|(region, account)| !region.is_empty() && !account.is_empty())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::sample::{function, sound};
    use super::*;
    use crate::aws::Function;

    pub(in super::super) fn who() -> Who {
        let identity = Identity {
            account: "123456789012".to_owned(),
            arn: "arn:aws:iam::123456789012:user/ada".to_owned(),
        };
        let caller = Ok(Caller { identity: Ok(identity), ahead_ms: Some(1_000) });
        Who { caller, region: Some("eu-central-1".to_owned()), is_local: false }
    }

    fn seen() -> Seen {
        let mut seen = sound();
        let arn = "arn:aws:lambda:eu-central-1:123456789012:function:rtr-prod-sync".to_owned();
        seen.functions.insert("sync", Ok(Function { arn, ..function("64") }));
        seen.functions.retain(|name, _| *name == "sync");
        seen
    }

    #[test]
    fn given_each_fault_when_checked_then_it_is_found_and_nothing_else() {
        assert_eq!(identity(&who(), &seen()), []);
        assert_eq!(identity(&who(), &sound()), [], "a name that says no account says nothing");
        let with = |change: &dyn Fn(&mut Who)| {
            let mut who = who();
            change(&mut who);
            identity(&who, &seen())
        };
        let ahead = |ms| {
            move |who: &mut Who| {
                if let Ok(caller) = &mut who.caller {
                    caller.ahead_ms = ms;
                }
            }
        };
        let all = [
            with(&|who| who.caller = Err("no answer in time".to_owned())),
            with(&|who| {
                let identity = Err("STS answers 403, ExpiredToken".to_owned());
                who.caller = Ok(Caller { identity, ahead_ms: Some(400_000) });
            }),
            with(&|who| {
                let identity = Ok(Identity { account: "9".to_owned(), arn: "arn".to_owned() });
                who.caller = Ok(Caller { identity, ahead_ms: None });
            }),
            with(&|who| who.region = Some("us-east-1".to_owned())),
            with(&ahead(Some(-31_000))),
            with(&ahead(Some(30_000))),
        ];
        let lines =
            all.iter().flatten().map(|one| format!("{} | {} | {}", one.check, one.about, one.message));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
        account | credentials | AWS does not say whose they are: no answer in time
        account | credentials | AWS does not say whose they are: STS answers 403, ExpiredToken
        clock | clock of this machine | it is 400 s ahead of AWS's
        account | credentials | they are of account 9, and the stack is in 123456789012
        region | region | us-east-1 is asked, and the stack's functions are in eu-central-1
        clock | clock of this machine | it is 31 s behind AWS's
        ");
    }
}
