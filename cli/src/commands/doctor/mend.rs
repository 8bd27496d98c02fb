//! What to do where a connection's credentials or its CRM stand in the way, by the code that says so. Pure.

use crate::commands::dlq::filter::quoted;
use rtr_core::code::Code;

/// A connection, as a command line says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) org: &'a str,
    pub(crate) connection: &'a str,
    pub(crate) provider: &'a str,
}

impl Whose<'_> {
    /// The command by which a person lets us in anew.
    pub(super) fn connect(self) -> String {
        let more = if self.connection == self.provider {
            String::new()
        } else {
            format!(" --connection {}", quoted(self.connection))
        };
        format!("rtr connection connect {} {}{more}", quoted(self.org), quoted(self.provider))
    }

    /// The command that asks its CRM, and ends a suspension.
    pub(super) fn test(self) -> String {
        format!("rtr connection test {} {}", quoted(self.org), quoted(self.connection))
    }

    /// What ends that its credentials are refused.
    pub(crate) fn new_credentials(self) -> String {
        let (connect, test) = (self.connect(), self.test());
        format!(
            "new credentials: {connect}, or another token in its secret (docs/credentials.md); then {test}"
        )
    }

    /// What to do where it has no secret that can be used.
    pub(crate) fn secret(self) -> String {
        format!("store its secret as docs/credentials.md shows, or {}; then {}", self.connect(), self.test())
    }

    /// What to do about `code`, with which its CRM cannot be asked.
    pub(super) fn about(self, code: Code) -> String {
        let test = self.test();
        let mend = match code {
            Code::Suspended => return self.new_credentials(),
            Code::NoSecret => return self.secret(),
            Code::Forbidden => format!("let the credentials in for more, or {}; then {test}", self.connect()),
            Code::Unavailable | Code::Resting | Code::OutcomeUnknown => {
                format!(
                    "the CRM's status page says whether it is down; if it is not, see its base_url, then {test}"
                )
            }
            Code::Throttled => {
                format!(
                    "wait and look again: {test}; if it stays, others use up the account's limit, or its `limits` are too high"
                )
            }
            Code::OutOfTime | Code::Busy => format!("look again: {test}"),
            Code::HostRefused => {
                format!(
                    "its base_url or the secret's instance_url is none that AllowedHosts lets be called; then {test}"
                )
            }
            Code::StateUnavailable => "look at the findings of the tables first".to_owned(),
            _ => format!("mend that, then {test}"),
        };
        format!("{mend}; rtr explain {code} says more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_each_code_that_a_connection_can_wait_for_when_told_then_what_to_do_about_it_is_named() {
        let whose = Whose { org: "acme", connection: "hubspot", provider: "hubspot" };
        let codes = [
            Code::Suspended,
            Code::NoSecret,
            Code::Forbidden,
            Code::Unavailable,
            Code::Resting,
            Code::OutcomeUnknown,
            Code::Throttled,
            Code::OutOfTime,
            Code::Busy,
            Code::HostRefused,
            Code::StateUnavailable,
            Code::Refused,
        ];
        let all: Vec<String> = codes.map(|code| format!("{code} {}", whose.about(code))).into();
        insta::assert_snapshot!(all.join("\n"), @r"
        RTR4004 new credentials: rtr connection connect acme hubspot, or another token in its secret (docs/credentials.md); then rtr connection test acme hubspot
        RTR4007 store its secret as docs/credentials.md shows, or rtr connection connect acme hubspot; then rtr connection test acme hubspot
        RTR3002 let the credentials in for more, or rtr connection connect acme hubspot; then rtr connection test acme hubspot; rtr explain RTR3002 says more
        RTR4002 the CRM's status page says whether it is down; if it is not, see its base_url, then rtr connection test acme hubspot; rtr explain RTR4002 says more
        RTR4013 the CRM's status page says whether it is down; if it is not, see its base_url, then rtr connection test acme hubspot; rtr explain RTR4013 says more
        RTR4003 the CRM's status page says whether it is down; if it is not, see its base_url, then rtr connection test acme hubspot; rtr explain RTR4003 says more
        RTR4001 wait and look again: rtr connection test acme hubspot; if it stays, others use up the account's limit, or its `limits` are too high; rtr explain RTR4001 says more
        RTR4009 look again: rtr connection test acme hubspot; rtr explain RTR4009 says more
        RTR4010 look again: rtr connection test acme hubspot; rtr explain RTR4010 says more
        RTR2009 its base_url or the secret's instance_url is none that AllowedHosts lets be called; then rtr connection test acme hubspot; rtr explain RTR2009 says more
        RTR5002 look at the findings of the tables first; rtr explain RTR5002 says more
        RTR3007 mend that, then rtr connection test acme hubspot; rtr explain RTR3007 says more
        ");
        let other = Whose { connection: "hubspot-eu", ..whose };
        assert!(other.about(Code::Suspended).contains("connect acme hubspot --connection hubspot-eu,"));
    }
}
