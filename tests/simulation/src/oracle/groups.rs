//! A message is worked in its record's own group, which one function works at a time, or sent on.

use super::Oracle;
use rtr_core::key::RecordKey;
use rtr_engine::batch::Received;
use rtr_engine::seams::Names;

impl Oracle {
    /// The sync function in `env`, which goes by so many groups, has `batch`.
    pub fn works_groups(&mut self, env: usize, group_buckets: u64, batch: &[Received]) {
        let groups = batch.iter().map(|message| message.group.clone()).collect();
        self.groups_of.insert(env, (group_buckets, groups));
    }

    /// `env` writes what became of a record.
    pub fn writes_in_group(&mut self, env: usize, names: &Names) {
        let (Some((group_buckets, groups)), Some(org), Some(kind), Some(id)) =
            (self.groups_of.get(&env), &names.org_id, &names.record_type, &names.record_id)
        else {
            return;
        };
        // The place of a poll is no record's.
        if kind == id {
            return;
        }
        let own = RecordKey::new(org, kind, id).message_group(*group_buckets);
        if groups.contains(&own) {
            return;
        }
        let record = format!("{org}/{kind}/{id}");
        let what = format!("{record} is worked in {groups:?}, its group is {own}");
        self.violate("I29", Some(record), what);
    }
}
