//! The tokens of one account. A token is valid in the account that issued it and nowhere else; a refresh token
//! is echoed by a refresh, or, in an account set to rotate, replaced and refused from then on.

use crate::consent::Code;
use crate::ids::{hash, mix};
use std::collections::BTreeMap;

/// The scopes a token has; `None` is all of them.
pub(crate) type Scopes = Option<Vec<String>>;

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// `None` never expires: a private app's token.
    pub(crate) expires_at: Option<i64>,
    pub(crate) scopes: Scopes,
    pub(crate) client_id: String,
}

/// What a refresh token stands for.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) scopes: Scopes,
}

/// Why a token is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unknown,
    Expired(i64),
}

/// Why a token request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Client,
    Secret,
    Refresh,
}

/// A fresh pair.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) scopes: Scopes,
}

/// What to issue.
#[derive(Default)]
pub(crate) struct Wanted {
    /// `None` is a token that does not expire, and has nothing to refresh.
    pub(crate) expires_in: Option<i64>,
    pub(crate) scopes: Scopes,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) access_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
}

/// Every token and client of an account.
#[derive(Clone)]
pub(crate) struct TokenBook {
    salt: u64,
    made: u64,
    clients: BTreeMap<String, String>,
    access: BTreeMap<String, Access>,
    grants: BTreeMap<String, Grant>,
    codes: BTreeMap<String, Code>,
    /// Whether a refresh replaces the refresh token.
    pub(crate) rotate: bool,
    /// How long a refreshed token lives, in seconds.
    pub(crate) lifetime: i64,
}

impl TokenBook {
    pub(crate) fn new(owner: &str) -> Self {
        let (clients, access, grants) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let codes = BTreeMap::new();
        Self { salt: hash(owner), made: 0, clients, access, grants, codes, rotate: false, lifetime: 1800 }
    }

    fn invent(&mut self, prefix: &str) -> String {
        self.made += 1;
        let (high, low) =
            (mix(self.salt ^ self.made), mix(self.salt.wrapping_mul(31).wrapping_add(self.made)));
        format!("{prefix}-{high:016x}{low:016x}")
    }

    /// The account's client, which comes into being with the first token.
    fn client(&mut self, id: Option<String>, secret: Option<String>) -> (String, String) {
        let id = id.or_else(|| self.clients.keys().next().cloned()).unwrap_or_else(|| self.invent("client"));
        let secret =
            secret.or_else(|| self.clients.get(&id).cloned()).unwrap_or_else(|| self.invent("secret"));
        self.clients.insert(id.clone(), secret.clone());
        (id, secret)
    }

    /// Issues tokens as if someone had just consented; gives them with the client's id and secret.
    pub(crate) fn issue(&mut self, now: i64, wanted: Wanted) -> (Issued, String, String) {
        let (id, secret) = self.client(wanted.client_id, wanted.client_secret);
        let refreshable = wanted.expires_in.is_some() || wanted.refresh_token.is_some();
        let refresh = wanted.refresh_token.or_else(|| refreshable.then(|| self.invent("rt")));
        let grant = Grant { client_id: id.clone(), scopes: wanted.scopes };
        if let Some(token) = &refresh {
            self.grants.insert(token.clone(), grant.clone());
        }
        let expires_at = wanted.expires_in.map(|seconds| now + seconds * 1000);
        let issued = self.access(&grant, expires_at, wanted.access_token, refresh);
        (issued, id, secret)
    }

    fn access(
        &mut self,
        grant: &Grant,
        expires_at: Option<i64>,
        token: Option<String>,
        refresh_token: Option<String>,
    ) -> Issued {
        let access_token =
            token.unwrap_or_else(|| self.invent(if expires_at.is_some() { "at" } else { "pat" }));
        let (scopes, client_id) = (grant.scopes.clone(), grant.client_id.clone());
        self.access.insert(access_token.clone(), Access { expires_at, scopes, client_id });
        Issued { access_token, refresh_token, expires_at, scopes: grant.scopes.clone() }
    }

    /// Whether the client is known.
    pub(crate) fn knows_client(&self, id: &str) -> bool {
        self.clients.contains_key(id)
    }

    /// A code for what a person consented to.
    pub(crate) fn new_code(&mut self, code: Code) -> String {
        let name = self.invent("code");
        self.codes.insert(name.clone(), code);
        name
    }

    /// What a code stands for, once.
    pub(crate) fn take_code(&mut self, name: &str) -> Option<Code> {
        self.codes.remove(name)
    }

    /// Tokens for a grant that was given just now.
    pub(crate) fn grant_anew(&mut self, now: i64, grant: &Grant) -> Issued {
        let refresh_token = self.invent("rt");
        self.grants.insert(refresh_token.clone(), grant.clone());
        self.access(grant, Some(now + self.lifetime * 1000), None, Some(refresh_token))
    }

    /// Whether the client is known and the secret its own.
    pub(crate) fn check_client(&self, id: &str, secret: &str) -> Result<(), Denied> {
        match self.clients.get(id) {
            None => Err(Denied::Client),
            Some(known) if known != secret => Err(Denied::Secret),
            Some(_) => Ok(()),
        }
    }

    /// Trades a refresh token for a new access token.
    pub(crate) fn refresh(&mut self, now: i64, token: &str, client_id: &str) -> Result<Issued, Denied> {
        let grant = self.grants.get(token).cloned().ok_or(Denied::Refresh)?;
        if grant.client_id != client_id {
            return Err(Denied::Refresh);
        }
        let mut refresh_token = token.to_owned();
        if self.rotate {
            self.grants.remove(token);
            refresh_token = self.invent("rt");
            self.grants.insert(refresh_token.clone(), grant.clone());
        }
        let expires_at = now + self.lifetime * 1000;
        Ok(self.access(&grant, Some(expires_at), None, Some(refresh_token)))
    }

    /// A token for the client itself.
    pub(crate) fn client_token(&mut self, now: i64, client_id: &str) -> Issued {
        let grant = Grant { client_id: client_id.to_owned(), scopes: None };
        self.access(&grant, Some(now + self.lifetime * 1000), None, None)
    }

    pub(crate) fn check(&self, token: &str, now: i64) -> Result<&Access, Refusal> {
        let access = self.access.get(token).ok_or(Refusal::Unknown)?;
        match access.expires_at {
            Some(at) if at <= now => Err(Refusal::Expired(at)),
            _ => Ok(access),
        }
    }

    pub(crate) fn grant(&self, refresh_token: &str) -> Option<&Grant> {
        self.grants.get(refresh_token)
    }

    /// Makes one access token, or all, expire now. Gives how many it found.
    pub(crate) fn expire(&mut self, now: i64, token: Option<&str>) -> usize {
        let matching = self.access.iter_mut().filter(|(name, _)| token.is_none_or(|wanted| wanted == *name));
        matching
            .map(|(_, access)| access.expires_at = Some(access.expires_at.map_or(now, |at| at.min(now))))
            .count()
    }

    /// Revokes one token, access or refresh, or, given none, the whole installation.
    pub(crate) fn revoke(&mut self, token: Option<&str>) -> usize {
        let before = self.access.len() + self.grants.len();
        self.access.retain(|name, _| token.is_some_and(|wanted| wanted != name));
        self.grants.retain(|name, _| token.is_some_and(|wanted| wanted != name));
        before - self.access.len() - self.grants.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(book: &mut TokenBook) -> (Issued, String) {
        let (issued, id, _) = book.issue(0, Wanted { expires_in: Some(10), ..Wanted::default() });
        (issued, id)
    }

    #[test]
    fn given_a_token_when_its_time_has_passed_then_it_is_expired_and_not_unknown() {
        let mut book = TokenBook::new("acme");
        let (pair, _) = issued(&mut book);
        assert!(book.check(&pair.access_token, 9_999).is_ok());
        assert_eq!(book.check(&pair.access_token, 10_000).err(), Some(Refusal::Expired(10_000)));
        assert_eq!(book.check("other", 0).err(), Some(Refusal::Unknown));
    }

    #[test]
    fn given_no_rotation_when_refreshed_then_the_refresh_token_is_echoed() {
        let mut book = TokenBook::new("acme");
        let (pair, client) = issued(&mut book);
        let old = pair.refresh_token.expect("refreshable");
        let again = book.refresh(5, &old, &client).expect("granted");
        assert_eq!(again.refresh_token.as_deref(), Some(old.as_str()));
        assert_ne!(again.access_token, pair.access_token);
    }

    #[test]
    fn given_rotation_when_refreshed_then_the_old_refresh_token_is_refused() {
        let mut book = TokenBook::new("acme");
        book.rotate = true;
        let (pair, client) = issued(&mut book);
        let old = pair.refresh_token.expect("refreshable");
        let new = book.refresh(5, &old, &client).expect("granted").refresh_token.expect("refreshable");
        assert_eq!(book.refresh(6, &old, &client).err(), Some(Denied::Refresh));
        assert!(book.refresh(6, &new, &client).is_ok());
    }

    #[test]
    fn given_two_accounts_when_each_issues_a_token_then_they_differ() {
        let (mut one, mut two) = (TokenBook::new("one"), TokenBook::new("two"));
        assert_ne!(issued(&mut one).0.access_token, issued(&mut two).0.access_token);
    }
}
