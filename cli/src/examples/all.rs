//! The lines themselves.

use super::Examples;

/// By command, without `rtr`.
pub(crate) const ALL: &[Examples] = &[
    (
        "config init",
        &[
            ("rtr config init acme hubspot", "files that work, in config/"),
            ("rtr config init acme salesforce crm-config", "the same in a folder of another name"),
        ],
    ),
    (
        "config check",
        &[
            ("rtr config check", "every error in config/, with file, line and column"),
            ("rtr config check crm-config --json", "the same for an editor or a build"),
        ],
    ),
    (
        "config diff",
        &[
            ("rtr config diff", "what an apply of config/ would change"),
            ("rtr config diff 41", "what was stored after revision 41"),
            ("rtr config diff --prune", "also what config/ does not have any more"),
        ],
    ),
    (
        "config apply",
        &[
            ("rtr config apply --because 'phone numbers'", "everything that config/ says otherwise"),
            ("rtr config apply --canary acme,globex", "these two orgs first"),
            ("rtr config apply --prune --dry-run", "what would go with what config/ lacks"),
        ],
    ),
    (
        "config history",
        &[
            ("rtr config history", "the newest revisions, whose they are and why"),
            ("rtr config history acme --most 1", "the last one of one org"),
        ],
    ),
    (
        "config rollback",
        &[
            ("rtr config rollback 41 --dry-run", "what would be taken back"),
            ("rtr config rollback 41 --org acme --because 'wrong owner'", "of one org only"),
            ("rtr config rollback --canary acme --yes", "what one org tries, without a question"),
        ],
    ),
    (
        "config show",
        &[
            ("rtr config show", "which orgs are stored"),
            ("rtr config show acme", "one org's document"),
            ("rtr config show acme hubspot contact", "one of its mappings, and who says what of it"),
        ],
    ),
    (
        "config test",
        &[
            ("rtr config test", "the cases beside the mappings"),
            ("rtr config test --min-coverage 90", "for a build: also by how much they look at"),
            ("rtr config test --record acme contact c-1001", "a record that waits or is dead becomes a case"),
        ],
    ),
    (
        "config schema",
        &[
            ("rtr config schema", "what editors complete and check YAML by"),
            ("rtr config schema --check", "for a build: exit 1 where they are old"),
        ],
    ),
    (
        "connection list",
        &[
            ("rtr connection list", "all, with what stops them and what is parked"),
            ("rtr connection list acme --json", "one org's, for a script"),
        ],
    ),
    (
        "connection test",
        &[
            ("rtr connection test acme", "credentials, objects, properties; ends a suspension"),
            ("rtr connection test acme hubspot --save", "keeps what the CRM describes for rtr config check"),
        ],
    ),
    (
        "connection setup",
        &[
            ("rtr connection setup acme hubspot", "the properties that hold our record ids"),
            ("rtr connection setup acme --json", "at all CRMs of an org"),
        ],
    ),
    (
        "connection connect",
        &[
            ("rtr connection connect acme hubspot --app main", "prints an address, and waits for the person"),
            ("rtr connection connect acme hubspot --no-wait", "the address, to be sent to somebody"),
        ],
    ),
    (
        "connection pause",
        &[
            ("rtr connection pause acme hubspot --because 'they asked'", "one connection"),
            ("rtr connection pause --provider hubspot --because 'incident 42'", "everybody's at one CRM"),
            ("rtr connection pause --all", "all calls of the stack"),
        ],
    ),
    (
        "connection resume",
        &[
            ("rtr connection resume acme hubspot", "one connection; what is parked goes at once"),
            ("rtr connection resume --all", "what `pause --all` has stopped"),
        ],
    ),
    (
        "preview",
        &[
            ("rtr preview config/events/acme-contact.json", "the requests that an event would cause"),
            (
                "rtr preview event.json --live --connection hubspot",
                "field by field, what would change at the CRM",
            ),
            ("rtr preview - --stored", "events from a pipe, by what is deployed"),
        ],
    ),
    (
        "publish",
        &[
            ("rtr publish events.jsonl", "JSON lines, each checked before it is sent"),
            ("rtr publish events.jsonl --resume", "goes on where an interrupted run stopped"),
            ("rtr publish - --strict", "a pipe; nothing is sent if a line is wrong"),
        ],
    ),
    (
        "backfill",
        &[
            ("rtr backfill acme contact --from contacts.jsonl.gz --dry-run", "checks every line"),
            (
                "rtr backfill acme contact --from s3://exports/contacts.jsonl.gz",
                "through the bulk lane, to the end",
            ),
            (
                "rtr backfill acme contact --connection hubspot --yes",
                "what the org's source lists, to one CRM",
            ),
        ],
    ),
    (
        "reconcile",
        &[
            ("rtr reconcile acme hubspot --sample 500", "some records, always the same"),
            ("rtr reconcile acme hubspot contact --from contacts.jsonl", "all of one type"),
            (
                "rtr reconcile acme hubspot contact --repair --because 'edited by hand'",
                "writes again what differs",
            ),
        ],
    ),
    (
        "record",
        &[
            ("rtr record acme contact c-1001", "what happened to a record, and why"),
            ("rtr record acme contact c-1001 --follow", "what happens to it from now on"),
            ("rtr record acme contact c-1001 --show-data", "also its data and the CRM's own words"),
        ],
    ),
    (
        "dlq list",
        &[
            ("rtr dlq list --org acme --since 2h", "what died in the last two hours"),
            ("rtr dlq list --group-by code,field", "which causes there are, the largest first"),
            ("rtr dlq list --code RTR3001 --json", "all of one code, for a script"),
        ],
    ),
    (
        "dlq show",
        &[
            ("rtr dlq show 02609d59eaa16c77", "one of them in full"),
            ("rtr dlq show --org acme --show-data", "an org's, with the records' data"),
        ],
    ),
    (
        "dlq preview",
        &[
            (
                "rtr dlq preview --org acme --code RTR3001",
                "how they would fare with the folder's configuration",
            ),
            ("rtr dlq preview --stored --json", "with what is stored, for a script"),
        ],
    ),
    (
        "dlq redrive",
        &[
            ("rtr dlq redrive --org acme --code RTR3001 --dry-run", "how many it would be"),
            ("rtr dlq redrive --org acme --code RTR3001 --rate 50 --yes", "tried again, at most 50 a second"),
        ],
    ),
    (
        "dlq drop",
        &[
            ("rtr dlq drop --org acme --until 2026-10-01 --dry-run", "how many it would be"),
            ("rtr dlq drop --id 02609d59eaa16c77 --because 'sent by mistake'", "given up for good"),
        ],
    ),
    (
        "parked list",
        &[
            ("rtr parked list --org acme", "what cannot go now, and when it is tried again"),
            ("rtr parked list --group-by code", "why, and how much"),
        ],
    ),
    (
        "parked drain",
        &[
            ("rtr parked drain --org acme --connection hubspot", "it is tried now"),
            ("rtr parked drain --code RTR4002 --dry-run", "how much that would be"),
        ],
    ),
    (
        "parked drop",
        &[
            ("rtr parked drop --org acme --type contact --dry-run", "how much that would be"),
            ("rtr parked drop --id 7ba3413ad828a995 --because 'sent by mistake'", "given up for good"),
        ],
    ),
    (
        "audit",
        &[
            ("rtr audit --since 7d", "who did what in the last week"),
            ("rtr audit --org acme --by ada", "what one person did to one org"),
            ("rtr audit --action dlq.drop --json", "who gave records up"),
        ],
    ),
    (
        "links import",
        &[
            (
                "rtr links import acme hubspot contact ids.csv --verify --dry-run",
                "what would be taken, and what not",
            ),
            (
                "rtr links import acme hubspot contact ids.csv --stamp --rejects left.csv",
                "and our key on each record",
            ),
        ],
    ),
    (
        "links export",
        &[
            ("rtr links export acme hubspot contact --out ids.csv", "as `import` reads them"),
            ("rtr links export acme hubspot contact --stale", "who was written by an older mapping"),
        ],
    ),
    (
        "doctor",
        &[
            ("rtr doctor", "the stack, these credentials, and every connection as the tables have it"),
            ("rtr doctor --org acme", "also what acme's CRMs say: credentials and schema"),
            ("rtr doctor --all --json", "all orgs', for a nightly job"),
        ],
    ),
    (
        "explain",
        &[
            ("rtr explain RTR3001", "what a code means, and what to do"),
            ("rtr explain --list", "every code in a line"),
        ],
    ),
    (
        "wait",
        &[
            ("rtr wait --idle", "until the queues are empty"),
            ("rtr wait --idle --timeout 10m", "for ten minutes at most"),
        ],
    ),
    (
        "org show",
        &[
            ("rtr org show acme", "what there is of an org, on a page"),
            ("rtr org show acme --json", "the same for a script"),
        ],
    ),
    (
        "cost",
        &[
            ("rtr cost --syncs-per-day 100000", "what the stack costs in a month, and of what that is made"),
            ("rtr cost --syncs-per-day 5000000 --region-prices prices.json", "by the prices of your region"),
        ],
    ),
    (
        "schema",
        &[
            ("rtr schema", "the commands whose JSON has a schema"),
            ("rtr schema dlq list", "the schema of one"),
        ],
    ),
    (
        "completions",
        &[
            ("rtr completions bash > ~/.local/share/bash-completion/completions/rtr", "for bash"),
            ("rtr completions zsh > ~/.zfunc/_rtr", "for zsh, where `fpath` has ~/.zfunc"),
            ("rtr completions fish > ~/.config/fish/completions/rtr.fish", "for fish"),
        ],
    ),
];
