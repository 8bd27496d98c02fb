//! A field's look-up: whether this provider has it for this object, and whether the field's other words go with it.

use super::Compiler;
use crate::code::Code;
use crate::mapping::field::Source;
use crate::mapping::lookup::Lookup;
use crate::mapping::raw::{Direction, RawField, RawMapping};
use crate::mapping::suggest::{listed, nearest};
use crate::mapping::{LookupFact, Problem, ProviderFacts};

impl Compiler<'_> {
    /// The look-up of the field `name`, which says `wanted`.
    pub(super) fn lookup(
        &mut self,
        provider: &ProviderFacts,
        mapping: &RawMapping,
        name: &str,
        wanted: &str,
    ) -> Option<Source> {
        let fact = self.lookup_fact(provider, &mapping.object, name, wanted)?;
        let raw = mapping.fields.get(name)?;
        let other = [
            ("reference", raw.reference.is_some()),
            ("map", raw.map.is_some()),
            ("id", raw.id.is_some()),
            ("association", raw.association.is_some()),
        ];
        if let Some((key, _)) = other.into_iter().find(|(_, given)| *given) {
            let hint =
                if key == "map" { ", and the filter `lookup` in `from` does what `map` does" } else { "" };
            let message = format!("a look-up takes `from`, `within` and `default`, not `{key}`{hint}");
            self.conflict(&["fields", name, key], message);
            return None;
        }
        let Some(from) = &raw.from else {
            let message = format!("a look-up needs `from`, an expression for the {} to look up", fact.by);
            self.conflict(&["fields", name, "lookup"], message);
            return None;
        };
        let from = self.expression(&["fields", name, "from"], from)?;
        self.within(mapping, name, raw, fact)?;
        let lookup = Lookup { fact, within: raw.within.clone(), default: raw.default.clone() };
        Some(Source::Lookup { from, lookup })
    }

    fn lookup_fact(
        &mut self,
        provider: &ProviderFacts,
        object: &str,
        field: &str,
        wanted: &str,
    ) -> Option<&'static LookupFact> {
        let path = ["fields", field, "lookup"];
        let of_object = || provider.lookups.iter().filter(|fact| fact.objects.hold(object));
        let has = match of_object().next() {
            None => "no look-ups".to_owned(),
            Some(_) => listed(of_object().map(|fact| fact.name)),
        };
        match provider.lookups.iter().find(|fact| fact.name == wanted) {
            Some(fact) if fact.objects.hold(object) => Some(fact),
            Some(fact) => {
                let message =
                    format!("`{object}` of {} have no {}: for them it has {has}", provider.title, fact.noun);
                self.conflict(&path, message);
                None
            }
            None => {
                let message = format!("{} has no look-up `{wanted}`: it has {has}", provider.title);
                let near = nearest(wanted, of_object().map(|fact| fact.name));
                self.problems.push(Problem::new(path, Code::ConfigReference, message).meaning(near));
                None
            }
        }
    }

    /// Whether what `field` says it lies within is another field of the mapping that can be that.
    fn within(&mut self, mapping: &RawMapping, field: &str, raw: &RawField, fact: &LookupFact) -> Option<()> {
        let Some(name) = &raw.within else { return Some(()) };
        let path = ["fields", field, "within"];
        let Some(outer) = fact.within else {
            let message = format!("the look-up `{}` lies within nothing; take `within` away", fact.name);
            self.conflict(&path, message);
            return None;
        };
        let others = mapping.fields.iter().filter(|(other, _)| *other != field);
        let Some((_, other)) = others.clone().find(|(other, _)| *other == name) else {
            let message = format!(
                "`within` names a field of this mapping, the one of the {outer}; there is no other field `{name}`"
            );
            let near = nearest(name, others.map(|(other, _)| other.as_str()));
            self.problems.push(Problem::new(path, Code::ConfigReference, message).meaning(near));
            return None;
        };
        let fits = match &other.lookup {
            Some(lookup) => lookup == outer,
            None => other.reference.is_none() && other.direction != Some(Direction::In),
        };
        if !fits {
            let message = format!("a {} lies within a {outer}, and the field `{name}` is none", fact.noun);
            self.conflict(&path, message);
            return None;
        }
        Some(())
    }
}
