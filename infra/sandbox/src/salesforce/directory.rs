//! Who and what an account has beside records: its users, and the stages of opportunities. Read by queries; the control API
//! sets them.

use super::schema::find;
use super::{Salesforce, begun, ids};
use crate::faults::known;
use serde_json::{Value, json};

impl Salesforce {
    /// Two people who may own records, one who has left, and Salesforce's own stages.
    pub(super) fn people(&mut self, account: &str) {
        for (at, (name, active)) in [("ada", true), ("grace", true), ("left", false)].into_iter().enumerate()
        {
            let user = json!({"username": format!("{name}@{account}.example"), "email": format!("{name}@example.org"), "active": active});
            self.user(at, &user);
        }
        let stages = find("Opportunity").and_then(|kind| {
            let field = self.definitions(kind).find(|field| field.name == "StageName")?;
            Some(
                field.options.iter().map(|name| json!({"api_name": name, "label": name})).collect::<Vec<_>>(),
            )
        });
        for (at, stage) in stages.into_iter().flatten().enumerate() {
            self.stage(at, &stage);
        }
    }

    /// `[{username, email, active?, type?}]` in the place of all but the account's own user.
    pub(super) fn set_users(&mut self, users: &Value) -> Result<(), String> {
        let users = checked(users, "users", &["username", "email"], &["active", "type"])?;
        let own = self.user.clone();
        self.clear("User", &own);
        users.iter().enumerate().for_each(|(at, user)| self.user(at, user));
        self.store.keep();
        Ok(())
    }

    /// `[{api_name, label, active?}]` in the place of all; an opportunity's stage takes these and no others.
    pub(super) fn set_stages(&mut self, stages: &Value) -> Result<(), String> {
        let stages = checked(stages, "stages", &["api_name", "label"], &["active"])?;
        self.clear("OpportunityStage", "");
        stages.iter().enumerate().for_each(|(at, stage)| self.stage(at, stage));
        self.store.keep();
        let fields = self.fields.get_mut("Opportunity").into_iter().flatten();
        for field in fields.filter(|field| field.name == "StageName") {
            field.options =
                stages.iter().filter_map(|stage| stage["api_name"].as_str()).map(str::to_owned).collect();
            field.restricted = true;
        }
        Ok(())
    }

    fn user(&mut self, at: usize, user: &Value) {
        let id = ids::encode("005", begun(self.salt) + 2 + at as u64);
        let kind = user.get("type").cloned().unwrap_or_else(|| json!("Standard"));
        self.lay(
            &id,
            "User",
            vec![
                ("Username", user["username"].clone()),
                ("Email", user["email"].clone()),
                ("LastName", json!("Owner")),
                ("IsActive", user.get("active").cloned().unwrap_or(json!(true))),
                ("UserType", kind),
            ],
        );
    }

    fn stage(&mut self, at: usize, stage: &Value) {
        let id = ids::encode("01J", begun(self.salt) + 2 + at as u64);
        self.lay(
            &id,
            "OpportunityStage",
            vec![
                ("ApiName", stage["api_name"].clone()),
                ("MasterLabel", stage["label"].clone()),
                ("IsActive", stage.get("active").cloned().unwrap_or(json!(true))),
                ("SortOrder", json!(at + 1)),
            ],
        );
    }

    fn clear(&mut self, kind: &str, but: &str) {
        let Some(kind) = find(kind) else { return };
        let ids: Vec<String> = self.store.all(kind).map(|record| record.id.clone()).collect();
        ids.iter().filter(|id| *id != but).for_each(|id| self.store.erase(id));
    }
}

fn checked<'a>(
    value: &'a Value,
    what: &str,
    texts: &[&str],
    more: &[&str],
) -> Result<&'a Vec<Value>, String> {
    let list = value.as_array().ok_or_else(|| format!("{what}: expected a list"))?;
    for (at, one) in list.iter().enumerate() {
        let place = format!("{what}[{at}]");
        known(one, &[texts, more].concat(), &place)?;
        if let Some(name) = texts.iter().find(|name| !one[**name].is_string()) {
            return Err(format!("{place}.{name}: expected a string"));
        }
    }
    Ok(list)
}
