//! Orgs: their connections, routes and layers.

use super::*;

pub(super) fn cases() -> Vec<Wrong> {
    let layer = |what, fields: &str| {
        let org = format!(
            "connections: {{hubspot: {{}}}}\nmappings:\n  hubspot:\n    contact:\n      fields:\n        {fields}"
        );
        Wrong::org(what, &org)
    };
    vec![
        Wrong::org("a misspelt part", "conections: {}"),
        Wrong::org("a connection whose id is no provider", "connections:\n  crm: {}"),
        Wrong::org("a misspelt provider", "connections:\n  crm: {provider: hubspt}"),
        Wrong::org("an address without its scheme", "connections:\n  hubspot: {base_url: api.hubapi.com}"),
        Wrong::org(
            "a password in an address",
            "connections:\n  hubspot: {base_url: \"https://me:secret@api.hubapi.com\"}",
        ),
        Wrong::org("a secret without a name", "connections:\n  hubspot: {secret: \" \"}"),
        Wrong::org("a connection whose secret another has", "connections:\n  ingest: {provider: hubspot}"),
        Wrong::org(
            "a limit of nothing",
            "connections:\n  hubspot:\n    limits: [{api: \"*\", requests: 0, per: 10s}]",
        ),
        Wrong::org(
            "a limit without its number",
            "connections:\n  hubspot:\n    limits: [{api: \"*\", per: 10s}]",
        ),
        Wrong::org("a share that is none", "connections:\n  hubspot: {reserve: {backfill: 120%}}"),
        Wrong::org(
            "a route to a connection that is not there",
            "connections: {hubspot: {}}\nroutes:\n  contact: [hubspott]",
        ),
        Wrong::org(
            "a connection twice in a route",
            "connections: {hubspot: {}}\nroutes:\n  contact: [hubspot, hubspot]",
        ),
        Wrong::org(
            "a route of a type without a mapping",
            "connections: {hubspot: {}}\nroutes:\n  contct: [hubspot]",
        )
        .and("mappings/hubspot/contact.yaml", CONTACT),
        Wrong::org("a delivery to nowhere", "inbound: {target: {htp: {url: x}}}"),
        Wrong::file("an org without a name", "orgs/none.yaml", "org: \"\"\n"),
        Wrong::file("an org called as the audit is", "orgs/audit.yaml", "org: \"*audit\"\n"),
        Wrong::org("an org twice", "").and("orgs/again.yaml", "org: acme\n"),
        Wrong::file("connections of all orgs", "orgs/all.yaml", "org: \"*\"\nconnections: {hubspot: {}}\n"),
        layer("a layer over nothing", "city: town"),
        layer("a layer without what the mapping below needs", "email: null")
            .and("mappings/hubspot/contact.yaml", CONTACT),
        layer("a filter that there is not, in a layer", "city: town | uper")
            .and("mappings/hubspot/contact.yaml", CONTACT),
        layer("a setting without effect, in a layer", "city: {from: town, wins: newest}")
            .and("mappings/hubspot/contact.yaml", CONTACT),
    ]
}

#[test]
fn given_orgs_with_faults_when_checked_then_a_person_sees_what_and_where() {
    insta::assert_snapshot!(shown(&cases()), @r#"
    — a misspelt part
    config/orgs/acme.yaml:2:1: RTR2001 unknown field `conections`; did you mean `connections`?
      2 | conections: {}
        | ^

    — a connection whose id is no provider
    config/orgs/acme.yaml:3:3: RTR2007 unknown provider `crm`; there are `hubspot`, `salesforce` and `pipedrive` (the connection's id stands for it; add `provider: …`)
      3 |   crm: {}
        |   ^

    — a misspelt provider
    config/orgs/acme.yaml:3:19: RTR2007 unknown provider `hubspt`; did you mean `hubspot`?
      3 |   crm: {provider: hubspt}
        |                   ^

    — an address without its scheme
    config/orgs/acme.yaml:3:23: RTR2001 `api.hubapi.com` is no address; write one such as https://api.example.com
      3 |   hubspot: {base_url: api.hubapi.com}
        |                       ^

    — a password in an address
    config/orgs/acme.yaml:3:23: RTR2001 an address holds no user or password; they belong into the connection's secret
      3 |   hubspot: {base_url: "https://me:secret@api.hubapi.com"}
        |                       ^

    — a secret without a name
    config/orgs/acme.yaml:3:21: RTR2001 the secret has no name; write one, or take `secret` away
      3 |   hubspot: {secret: " "}
        |                     ^

    — a connection whose secret another has
    config/orgs/acme.yaml:3:3: RTR2004 the secret of a connection `ingest` would be the one by which events are handed in; call it otherwise, or name its secret
      3 |   ingest: {provider: hubspot}
        |   ^

    — a limit of nothing
    config/orgs/acme.yaml:4:35: RTR2001 expected a number of at least 1, found 0
      4 |     limits: [{api: "*", requests: 0, per: 10s}]
        |                                   ^

    — a limit without its number
    config/orgs/acme.yaml:4:14: RTR2001 `requests` is missing; add it
      4 |     limits: [{api: "*", per: 10s}]
        |              ^

    — a share that is none
    config/orgs/acme.yaml:3:33: RTR2001 `120%` is not a share: write a whole number from 0 to 100 and %, such as 20%
      3 |   hubspot: {reserve: {backfill: 120%}}
        |                                 ^

    — a route to a connection that is not there
    config/orgs/acme.yaml:4:13: RTR2002 the org has no connection `hubspott`; it has `hubspot`; did you mean `hubspot`?
      4 |   contact: [hubspott]
        |             ^

    — a connection twice in a route
    config/orgs/acme.yaml:4:22: RTR2004 `hubspot` stands twice in this route
      4 |   contact: [hubspot, hubspot]
        |                      ^

    — a route of a type without a mapping
    config/orgs/acme.yaml:4:12: RTR2006 hubspot has no mapping for `contct`; add mappings/hubspot/contct.yaml, or take the connection out; did you mean `contact`?
      4 |   contct: [hubspot]
        |            ^

    — a delivery to nowhere
    config/orgs/acme.yaml:2:20: RTR2001 expected `http: …` or `sqs: …` or `eventbridge: …` or `lambda: …`, found `htp: …`; did you mean `http`?
      2 | inbound: {target: {htp: {url: x}}}
        |                    ^

    — an org without a name
    config/orgs/none.yaml:1:6: RTR2001 an org's id has 1 to 512 characters and no control characters
      1 | org: ""
        |      ^

    — an org called as the audit is
    config/orgs/audit.yaml:1:6: RTR2001 no org may be called `*audit`: what people did is kept there
      1 | org: "*audit"
        |      ^

    — an org twice
    config/orgs/again.yaml:1:6: RTR2004 org `acme` has a file already, orgs/acme.yaml; keep one
      1 | org: acme
        |      ^

    — connections of all orgs
    config/orgs/all.yaml:2:1: RTR2004 org `*` has routes and a source only; `connections` belongs to an org, global mappings to mappings/<provider>/
      2 | connections: {hubspot: {}}
        | ^

    — a layer over nothing
    config/orgs/acme.yaml:6:7: RTR2006 without `object` this mapping is a layer over mappings/hubspot/contact.yaml, which is not there; write `object`, or add the file
      6 |       fields:
        |       ^

    — a layer without what the mapping below needs
    config/orgs/acme.yaml:6:7: RTR2002 `match: email` needs a field `email`, whose value is looked for in the CRM
      6 |       fields:
        |       ^

    — a filter that there is not, in a layer
    config/orgs/acme.yaml:7:22: RTR2003 field `city`: unknown filter `uper`; did you mean `upper`?
      7 |         city: town | uper
        |                      ^

    — a setting without effect, in a layer
    config/orgs/acme.yaml:7:28: RTR2010 field `city`: only with direction: both can two sides change the value; write that, or take `wins` away
      7 |         city: {from: town, wins: newest}
        |                            ^
    "#);
}
