//! Which addresses may be called: the providers' own and those that the stack's parameter `AllowedHosts` names.
//!
//! Everything else is refused, so an org's configuration cannot point the function at our own network. A private
//! address counts as any other: it is refused unless it is listed, in so many words.

use reqwest::Url;
use rtr_connectors::registry;
use std::net::IpAddr;

/// The stage in which loopback hosts may be called, over HTTP and at any port.
const LOCAL_STAGE: &str = "local";
/// The port of a host listed without one.
const HTTPS_PORT: u16 = 443;

/// The hosts that may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts {
    listed: Vec<Listed>,
    loopback: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// This one.
    Exact(String),
    /// All below this, with its leading dot; never an address.
    Below(String),
}

impl AllowedHosts {
    /// The providers' hosts and those of `parameter`, comma-separated, for `stage`.
    ///
    /// # Errors
    /// What is wrong with the first entry that is no host.
    pub fn parse(parameter: &str, stage: &str) -> Result<Self, String> {
        let own = registry::ALL.iter().flat_map(|connector| connector.hosts().iter().copied());
        let given = parameter.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let listed = own.chain(given).map(parse_entry).collect::<Result<_, _>>()?;
        Ok(Self { listed, loopback: stage == LOCAL_STAGE })
    }

    /// `url` parsed, if it may be called.
    ///
    /// # Errors
    /// Why not, for the operator: it names the host and the parameter.
    pub fn check(&self, url: &str) -> Result<Url, String> {
        let parsed = Url::parse(url).map_err(|error| format!("the address cannot be read: {error}"))?;
        let host = parsed.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
        if host.is_empty() || !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(format!("the address must name a host and no user: {host}"));
        }
        if self.loopback && is_loopback(&host) && matches!(parsed.scheme(), "http" | "https") {
            return Ok(parsed);
        }
        if parsed.scheme() != "https" {
            return Err(format!("{host} may only be called over https, not {}", parsed.scheme()));
        }
        let port = parsed.port_or_known_default().unwrap_or(HTTPS_PORT);
        if self.listed.iter().any(|listed| listed.port == port && listed.host.is(&host)) {
            return Ok(parsed);
        }
        let shown = if port == HTTPS_PORT { host } else { format!("{host}:{port}") };
        Err(format!("{shown} is not an allowed host: add it to the stack's parameter AllowedHosts"))
    }
}

impl Host {
    fn is(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == host,
            Self::Below(suffix) => {
                host.len() > suffix.len() && host.ends_with(suffix) && address(host).is_none()
            }
        }
    }
}

fn parse_entry(entry: &str) -> Result<Listed, String> {
    let wrong = || format!("`{entry}` is no `host`, `host:port` or `*.suffix`");
    let (below, rest) = entry.strip_prefix("*.").map_or((false, entry), |rest| (true, rest));
    // The URL parser knows what a host is, lower-cases it and reads brackets; anything beyond host and port is refused.
    let parsed = Url::parse(&format!("https://{rest}")).map_err(|_| wrong())?;
    let host = parsed.host_str().unwrap_or_default().to_owned();
    let only_host = parsed.path() == "/" && !rest.contains(['/', '@', '?', '#', '*', '\\']);
    if host.is_empty() || !only_host || (below && address(&host).is_some()) {
        return Err(wrong());
    }
    let port = parsed.port().unwrap_or(HTTPS_PORT);
    let host = if below { Host::Below(format!(".{host}")) } else { Host::Exact(host) };
    Ok(Listed { host, port })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "crm.example, Other.Example:8443, *.salesforce.com, 10.1.2.3";

    fn verdict(stage: &str, url: &str) -> Result<(), String> {
        AllowedHosts::parse(LISTED, stage).unwrap().check(url).map(|_| ())
    }

    #[test]
    fn given_listed_and_own_hosts_when_checked_then_they_pass() {
        let urls = [
            "https://api.hubapi.com/crm/v3/objects",
            "https://API.hubapi.com:443/",
            "https://api-eu1.hubapi.com/",
            "https://crm.example/x?y",
            "https://crm.example./x",
            "https://other.example:8443/",
            "https://acme.my.salesforce.com/services",
            "https://10.1.2.3/",
        ];
        for url in urls {
            assert_eq!(verdict("prod", url), Ok(()), "{url}");
        }
    }

    #[test]
    fn given_any_other_address_when_checked_then_it_is_refused() {
        let urls = [
            "http://api.hubapi.com/",
            "https://hubapi.com/",
            "https://api.hubapi.com.evil.example/",
            "https://evilhubapi.com/",
            "https://api.hubapi.com:8443/",
            "https://api.hubapi.com@evil.example/",
            "https://user:secret@crm.example/",
            "https://crm.example:444/",
            "https://other.example/",
            "https://salesforce.com/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.1.2.4/",
            "https://192.168.0.1/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://[::1]/",
            "https://2130706433/",
            "ftp://crm.example/",
            "file:///etc/passwd",
            "crm.example",
            "",
        ];
        for url in urls {
            assert!(verdict("prod", url).is_err(), "{url}");
        }
    }

    #[test]
    fn given_the_local_stage_when_checked_then_loopback_passes_at_any_port_and_nothing_else_is_added() {
        for url in
            ["http://127.0.0.1:4600/hubspot", "http://localhost:1/", "http://[::1]:9/", "https://127.9.9.9/"]
        {
            assert_eq!(verdict("local", url), Ok(()), "{url}");
        }
        for url in [
            "http://192.168.0.1/",
            "http://crm.example/",
            "http://localhost.evil.example/",
            "http://0.0.0.0/",
        ] {
            assert!(verdict("local", url).is_err(), "{url}");
        }
    }

    #[test]
    fn given_a_refusal_when_read_then_it_names_host_and_parameter_but_no_password() {
        assert_eq!(
            verdict("prod", "https://evil.example:8443/x?token=1").unwrap_err(),
            "evil.example:8443 is not an allowed host: add it to the stack's parameter AllowedHosts"
        );
        assert!(!verdict("prod", "https://u:secret@crm.example/").unwrap_err().contains("secret"));
    }

    #[test]
    fn given_an_entry_that_is_no_host_when_parsed_then_it_is_named() {
        for entry in ["https://crm.example", "crm.example/x", "*", "*.*.x", "*.1.2.3.4", "a@b", "crm example"]
        {
            let error = AllowedHosts::parse(entry, "prod").unwrap_err();
            assert!(error.contains(entry), "{error}");
        }
    }
}
