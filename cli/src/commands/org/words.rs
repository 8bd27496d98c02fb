//! An org, for people.

use super::show::Shown;
use crate::commands::audit;
use crate::output::{Style, count, one_line, or_dash, table};
use rtr_core::config::Mode;

/// The page.
pub(super) fn words(style: Style, shown: &Shown) -> String {
    let mut parts = vec![head(shown)];
    if !shown.connections.is_empty() {
        parts.push(connections(style, shown));
    }
    if !shown.routes.is_empty() {
        let rows = shown.routes.iter().map(|(record_type, to)| vec![record_type.clone(), to.join(", ")]);
        parts.push(table(style, &["type", "goes to"], rows.collect()));
    }
    if !shown.mappings.is_empty() {
        let rows = shown.mappings.iter().map(|one| {
            let whose = if one.own { shown.org_id.clone() } else { "all orgs".to_owned() };
            vec![
                one.provider.clone(),
                one.record_type.clone(),
                one.object.clone(),
                one.revision.to_string(),
                whose,
            ]
        });
        parts.push(table(style, &["provider", "type", "object", "mapping revision", "of"], rows.collect()));
    }
    if shown.dead_elsewhere > 0 {
        let n = usize::try_from(shown.dead_elsewhere).unwrap_or(usize::MAX);
        parts.push(format!(
            "{} elsewhere, of connections that are gone or of none: rtr dlq list --org {}",
            count(n, "dead letter"),
            shown.org_id
        ));
    }
    if !shown.audit.is_empty() {
        parts.push(audit::words(style, &shown.audit));
    }
    parts.join("\n\n")
}

fn head(shown: &Shown) -> String {
    let why = shown.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let page = if shown.from_page { ", by the product's connect page" } else { "" };
    let mut lines = vec![format!(
        "{}: revision {} by {} at {}{page}{why}",
        shown.org_id, shown.revision, shown.author, shown.at
    )];
    lines.extend(shown.unusable.as_ref().map(|why| format!("the functions cannot use it: {why}")));
    lines.extend(
        shown
            .canary
            .map(|revision| format!("tries mappings before others have them, since revision {revision}")),
    );
    lines.extend(shown.inbound.map(|target| format!("changes made in the CRMs are delivered by {target}")));
    if shown.has_source {
        lines.push("says where its records are listed".to_owned());
    }
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}

fn connections(style: Style, shown: &Shown) -> String {
    let mode = |mode| match mode {
        Mode::Live => "live",
        Mode::Shadow => "shadow",
        Mode::Paused => "paused",
    };
    let rows = shown.connections.iter().map(|one| {
        let more = if one.parked_at_least { "+" } else { "" };
        vec![
            one.connection.clone(),
            one.provider.clone(),
            one.state.to_owned(),
            mode(one.mode).to_owned(),
            format!("{}{more}", one.parked),
            or_dash(one.parked_since.as_ref()),
            one.dead.to_string(),
            one.message.clone().unwrap_or_default(),
        ]
    });
    let header = ["connection", "provider", "state", "mode", "parked", "since", "dead", ""];
    table(style, &header, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::super::show::sample;
    use super::*;
    use crate::schema::tests::holds;

    #[test]
    fn given_an_org_when_shown_then_its_page_says_all_and_json_the_same() {
        let shown = sample();
        holds("org show", &shown);
        insta::assert_snapshot!(words(Style::Plain, &shown), @r"
        acme: revision 41 by bob at 2026-11-17T09:00:00Z: phone numbers
        tries mappings before others have them, since revision 41
        changes made in the CRMs are delivered by http
        says where its records are listed

        CONNECTION  PROVIDER    STATE   MODE  PARKED  SINCE                     DEAD
        hubspot     hubspot     paused  live  12      2026-11-18T11:06:40.000Z  0     paused by ada at 2026-11-18T11:06:40.000Z
        salesforce  salesforce  ok      live  0       -                         3

        TYPE     GOES TO
        contact  hubspot, salesforce

        PROVIDER    TYPE     OBJECT    MAPPING REVISION  OF
        hubspot     contact  contacts  41                acme
        salesforce  contact  Contact   7                 all orgs

        1 dead letter elsewhere, of connections that are gone or of none: rtr dlq list --org acme

        AT                        BY   ORG   ACTION            OF            RECORDS  REASON
        2026-11-18T11:06:40.000Z  ada  acme  connection.pause  acme hubspot  -
        ");
    }
}
