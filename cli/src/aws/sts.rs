//! Who we are to AWS, and what time it is there.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use super::signed::{Answer, Body, Question, send};
use crate::moment::now;
use crate::problem::Problem;
use aws_config::SdkConfig;
use jiff::fmt::rfc2822::DateTimeParser;
use rtr_core::time::Instant;

/// Whose these credentials are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The account.
    pub(crate) account: String,
    /// The user or the role.
    pub(crate) arn: String,
}

/// What an answer says of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Who we are, or the status and code of a refusal.
    pub(crate) identity: Result<Identity, String>,
    /// How much our clock is ahead of AWS's, in milliseconds, to the second; none where the answer has no date.
    pub(crate) ahead_ms: Option<i64>,
}

/// Asks.
pub(super) async fn caller(config: &SdkConfig, place: &str) -> Result<Caller, Problem> {
    let asked = Question {
        asked: "GetCallerIdentity",
        about: "these credentials".to_owned(),
        service: "sts",
        variable: "AWS_ENDPOINT_URL_STS",
        path: "/".to_owned(),
        body: Some(Body {
            content_type: "application/x-www-form-urlencoded",
            target: None,
            text: "Action=GetCallerIdentity&Version=2011-06-15".to_owned(),
        }),
    };
    let before = now();
    let answer = send(config, place, &asked).await?;
    Ok(read(&answer, before, now()))
}

/// What `answer` says, which came between two looks at our clock.
fn read(answer: &Answer, before: Instant, after: Instant) -> Caller {
    let of = |name: &str| {
        let text = answer.text.split_once(&format!("<{name}>"))?.1.split_once(&format!("</{name}>"))?.0;
        Some(text.trim().to_owned())
    };
    let identity = match (answer.status, of("Account"), of("Arn")) {
        (200, Some(account), Some(arn)) => Ok(Identity { account, arn }),
        (status, ..) => {
            let code = of("Code").unwrap_or_else(|| "no code".to_owned());
            Err(format!("STS answers {status}, {code}"))
        }
    };
    let there = answer.date.as_ref().and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    // The header tells seconds: within the one it names we agree.
    let ahead_ms = there.map(|there| {
        let there = Instant(there.as_millisecond());
        let (early, late) = (before.since_ms(there.plus_ms(999)), after.since_ms(there));
        if early > 0 { early } else { late.min(0) }
    });
    Caller { identity, ahead_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer { status, date: Some("Wed, 18 Nov 2026 11:06:40 GMT".to_owned()), text: text.to_owned() }
    }

    const AT: Instant = Instant(1_795_000_000_000);

    #[test]
    fn given_an_answer_when_read_then_it_says_who_we_are_or_why_not() {
        let text = "<GetCallerIdentityResponse><GetCallerIdentityResult>\n<Arn>arn:aws:iam::123456789012:user/ada</Arn>\n\
                    <UserId>U</UserId>\n<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
        let seen = read(&answer(200, text), AT, AT);
        let identity = Identity {
            account: "123456789012".to_owned(),
            arn: "arn:aws:iam::123456789012:user/ada".to_owned(),
        };
        assert_eq!(seen, Caller { identity: Ok(identity), ahead_ms: Some(0) });
        let refused = read(&answer(403, "<Error><Code>ExpiredToken</Code></Error>"), AT, AT);
        assert_eq!(refused.identity, Err("STS answers 403, ExpiredToken".to_owned()));
        assert_eq!(read(&answer(502, "<html>"), AT, AT).identity, Err("STS answers 502, no code".to_owned()));
    }

    #[test]
    fn given_dates_when_compared_then_what_the_answer_took_and_the_rest_of_its_second_are_no_difference() {
        let ahead =
            |before: i64, after: i64| read(&answer(200, ""), AT.plus_ms(before), AT.plus_ms(after)).ahead_ms;
        assert_eq!([ahead(0, 999), ahead(-5_000, 10), ahead(700, 4_000)], [Some(0), Some(0), Some(0)]);
        assert_eq!([ahead(60_999, 61_500), ahead(-61_000, -60_000)], [Some(60_000), Some(-60_000)]);
        let undated = Answer { date: None, ..answer(200, "") };
        assert_eq!(read(&undated, AT, AT).ahead_ms, None);
    }
}
