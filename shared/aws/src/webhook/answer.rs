//! Answers, as API Gateway's HTTP API takes them (payload version 2).

use rtr_connectors::webhook::Acknowledgement;
use rtr_engine::webhook::Reply;
use serde_json::{Value, json};

/// What is answered. Whoever is not verified learns nothing of orgs, connections or secrets.
pub(super) fn to_json(reply: Reply) -> Value {
    let (content_type, body) = match reply {
        Reply::Safe(Acknowledgement::Words { content_type, body }) => (content_type, body),
        Reply::Safe(Acknowledgement::Empty) => ("application/json", ""),
        Reply::NotVerified => ("application/json", r#"{"message":"not verified"}"#),
        Reply::Unreadable => {
            ("application/json", r#"{"message":"the body is none that this provider sends"}"#)
        }
        Reply::TooLarge => ("application/json", r#"{"message":"at most 1 MiB and 100 events in one call"}"#),
        Reply::Later => ("application/json", r#"{"message":"not now: send it again"}"#),
    };
    json!({
        "statusCode": reply.status(), "headers": {"content-type": content_type, "cache-control": "no-store"},
        "body": body, "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_connectors::registry;

    #[test]
    fn given_salesforce_when_all_is_safe_then_it_hears_the_envelope_that_it_takes_for_one() {
        let salesforce = registry::by_name("salesforce").map(|it| it.webhook().acknowledgement());
        let answer = salesforce.map(|words| to_json(Reply::Safe(words))).unwrap_or_default();
        insta::assert_snapshot!(
            format!("{} {}\n{}", answer["statusCode"], answer["headers"]["content-type"], answer["body"].as_str().unwrap_or("")),
            @r#"
        200 "text/xml; charset=utf-8"
        <?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>
        "#
        );
    }

    #[test]
    fn given_every_other_answer_when_written_then_the_status_says_it() {
        let replies = [
            Reply::Safe(Acknowledgement::Empty),
            Reply::NotVerified,
            Reply::Unreadable,
            Reply::TooLarge,
            Reply::Later,
        ];
        let line = |reply| {
            format!("{} {}", to_json(reply)["statusCode"], to_json(reply)["body"].as_str().unwrap_or(""))
        };
        insta::assert_snapshot!(replies.map(line).map(|line| line.trim_end().to_owned()).join("\n"), @r#"
        204
        401 {"message":"not verified"}
        400 {"message":"the body is none that this provider sends"}
        413 {"message":"at most 1 MiB and 100 events in one call"}
        503 {"message":"not now: send it again"}
        "#);
    }
}
