//! The nearest right name to a wrong one, or none when nothing is near.

/// The share of a name, one in this many letters, that may differ for another to be suggested.
const LETTERS_PER_SLIP: usize = 3;

/// The candidate nearest to `wrong`, when it is near enough to be what was meant.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wrong.to_lowercase();
    let allowed = (wanted.chars().count() / LETTERS_PER_SLIP).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names in the words of an error: `a`, `b` and `c`.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_slip_when_a_name_is_near_then_it_is_suggested_and_else_nothing() {
        let names = ["provider", "mode", "base_url"];
        assert_eq!(nearest("prvider", names), Some("provider"));
        assert_eq!(nearest("Mode", names), Some("mode"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
