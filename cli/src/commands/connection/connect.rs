//! `rtr connection connect`: a person consents in the browser, the stack keeps the credentials, this waits and tells.

use super::Which;
use super::open::runtime;
use super::select::{Selected, resolved, select, stored};
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::unavailable;
use crate::moment::read_duration;
use crate::problem::{Ended, Exit, Problem};
use rtr_connectors::registry;
use rtr_core::mapping::nearest;
use rtr_engine::authorize::{Begin, BeginError, prepare};
use rtr_engine::seams::{ConsentEnding, Consents, Unavailable};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks for the ending.
const LOOK: Duration = Duration::from_millis(1_000);

/// What to connect.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The org
    org: String,
    /// The CRM, such as hubspot
    provider: String,
    /// The connection within the org [default: the org's only one at this CRM]
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// The OAuth app that asks: the secret rtr/<stage>/apps/<NAME> [default: the client that the connection's secret names]
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// What to ask for, separated by spaces [default: what the mappings need]
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// Do not wait for the person: print the address and end
    #[arg(long)]
    no_wait: bool,
    /// Give up waiting after this long
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = read_duration)]
    timeout: Duration,
    #[command(flatten)]
    who: Who,
}

/// How it ended, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Connected {
    org_id: String,
    connection: String,
    provider: String,
    secret: String,
    url: String,
    /// Whether the credentials are stored and work; null: not waited for.
    connected: Option<bool>,
    account: Option<String>,
    message: String,
}

/// Asks, waits, tells.
pub(super) async fn run(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let redirect_uri = aws.stack.output("AUTHORIZE_URL")?.to_owned();
    let stored = stored(&aws).await?;
    let which = Which { org: Some(args.org.clone()), connection: None };
    let selected = choose(select(&stored, &which)?, args)?;
    let config = resolved(&stored, &args.org, &aws.stack.stage);
    let config = config.map_err(|error| Problem::usage(error.to_string()))?;
    let connection = config.connections.get(&selected.connection).ok_or_else(|| unconfigured(args))?;
    let runtime = runtime(&aws).await?;
    let consents = runtime.consents();
    let ask = Begin {
        org_id: &args.org,
        connection,
        app: args.app.as_deref(),
        scope: args.scope.as_deref(),
        redirect_uri: &redirect_uri,
    };
    let failed = |error| match error {
        BeginError::Setup(what) => Problem::usage(what),
        BeginError::Unavailable(what) => unavailable("asking for consent", &aws.place, &Unavailable(what)),
    };
    // What cannot be asked is no act.
    let ready = prepare(&runtime.seams(), &ask).await.map_err(failed)?;
    let target = format!("{} {}", args.org, connection.id);
    note(&aws, &args.who.entry_of("connection.connect", &args.org, target)).await?;
    let begun = ready.note(consents).await.map_err(failed)?;
    let mut done = Connected {
        org_id: args.org.clone(),
        connection: connection.id.clone(),
        provider: connection.provider.clone(),
        secret: connection.secret.clone(),
        url: begun.url.clone(),
        connected: None,
        account: None,
        message: "open the address within ten minutes".to_owned(),
    };
    if args.no_wait {
        app.out.answer(&done, |_| begun.url.clone());
        return Ok(Exit::Done);
    }
    app.out.note(&format!(
        "Open this address in a browser, within ten minutes, and allow it:\n\n  {}\n",
        begun.url
    ));
    app.out.note("Waiting for the answer …");
    let ending = wait(consents, &begun.state, args.timeout).await;
    let ending = ending.map_err(|error| unavailable("looking for the answer", &aws.place, &error))?;
    (done.connected, done.account, done.message) = match ending {
        Some(ConsentEnding { connected, message, account }) => (Some(connected), account, message),
        None => {
            let waited = args.timeout.as_secs();
            (
                Some(false),
                None,
                format!("nobody came back from the consent page within {waited} s; nothing was changed"),
            )
        }
    };
    app.out.answer(&done, |_| words(&done));
    Ok(Exit::of_findings(done.connected != Some(true)))
}

/// The connection that is meant: the org must have it already, since its file says where the records go.
fn choose(all: Vec<Selected>, args: &Args) -> Result<Selected, Problem> {
    let mut fitting: Vec<Selected> = all
        .into_iter()
        .filter(|one| one.provider() == args.provider)
        .filter(|one| args.connection.as_ref().is_none_or(|wanted| *wanted == one.connection))
        .collect();
    match (fitting.pop(), fitting.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => Err(unconfigured(args)),
        (Some(one), _) => {
            let names =
                fitting.iter().map(|other| other.connection.as_str()).chain([one.connection.as_str()]);
            let names = names.collect::<Vec<_>>().join(", ");
            Err(Problem::usage(format!("{} has several connections at {}: {names}", args.org, args.provider))
                .hint("say which with --connection"))
        }
    }
}

fn unconfigured(args: &Args) -> Problem {
    if registry::by_name(&args.provider).is_none() {
        let known: Vec<&str> = registry::ALL.iter().map(|connector| connector.facts().name).collect();
        let problem = Problem::not_found(format!("unknown provider `{}`", args.provider));
        return match nearest(&args.provider, known.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(format!("there are {}", known.join(", "))),
        };
    }
    let id = args.connection.as_deref().unwrap_or(&args.provider);
    let provider =
        if id == args.provider { "{}".to_owned() } else { format!("{{provider: {}}}", args.provider) };
    let what = format!("{} has no connection {id} at {}", args.org, args.provider);
    let lines = format!("connections:\n    {id}: {provider}");
    Problem::not_found(what)
        .hint(format!("add it to orgs/{}.yaml and run rtr config apply, then connect:\n  {lines}", args.org))
}

async fn wait(
    consents: &dyn Consents,
    state: &str,
    timeout: Duration,
) -> Result<Option<ConsentEnding>, Unavailable> {
    let until = Instant::now() + timeout;
    loop {
        if let Some(ending) = consents.consent_ending(state).await? {
            return Ok(Some(ending));
        }
        if Instant::now() + LOOK > until {
            return Ok(None);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn words(done: &Connected) -> String {
    let Connected { org_id, connection, provider, account, secret, message, .. } = done;
    let account = account.as_ref().map_or_else(String::new, |account| format!(", account {account}"));
    match done.connected {
        Some(true) => format!(
            "{org_id} {connection} ({provider}{account}): connected; {message}\n  stored as {secret}\n  next: rtr connection \
             setup {org_id} {connection}"
        ),
        _ => format!("{org_id} {connection} ({provider}{account}): not connected: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::ConnectionDoc;

    fn args(connection: Option<&str>) -> Args {
        Args {
            org: "acme".to_owned(),
            provider: "hubspot".to_owned(),
            connection: connection.map(str::to_owned),
            app: None,
            scope: None,
            no_wait: false,
            timeout: Duration::from_secs(600),
            who: Who::default(),
        }
    }

    fn one(connection: &str, provider: &str) -> Selected {
        let doc = ConnectionDoc { provider: Some(provider.to_owned()), ..ConnectionDoc::default() };
        Selected { org: "acme".to_owned(), connection: connection.to_owned(), doc }
    }

    #[test]
    fn given_connections_when_one_is_meant_then_it_is_found_or_the_way_to_it_is_told() {
        let all = || vec![one("hubspot", "hubspot"), one("hubspot-eu", "hubspot"), one("sf", "salesforce")];
        let chosen = |all, connection| choose(all, &args(connection)).map(|one| one.connection);
        assert_eq!(chosen(all(), Some("hubspot-eu")).unwrap(), "hubspot-eu");
        assert_eq!(chosen(vec![one("main", "hubspot")], None).unwrap(), "main");
        let told = [chosen(all(), None), chosen(Vec::new(), None), chosen(all(), Some("hubspot-us"))];
        let told = told.map(|wrong| wrong.unwrap_err());
        assert_eq!([0, 1, 2].map(|at| told[at].exit), [Exit::Usage, Exit::NotFound, Exit::NotFound]);
        insta::assert_snapshot!(told.map(|problem| problem.to_string()).join("\n"), @r"
        rtr: acme has several connections at hubspot: hubspot, hubspot-eu
          say which with --connection
        rtr: acme has no connection hubspot at hubspot
          add it to orgs/acme.yaml and run rtr config apply, then connect:
          connections:
            hubspot: {}
        rtr: acme has no connection hubspot-us at hubspot
          add it to orgs/acme.yaml and run rtr config apply, then connect:
          connections:
            hubspot-us: {provider: hubspot}
        ");
        let slip = Args { provider: "salesfarce".to_owned(), ..args(None) };
        let told = choose(Vec::new(), &slip).map(|one| one.connection).unwrap_err();
        assert_eq!(told.exit, Exit::NotFound);
        assert_eq!(told.to_string(), "rtr: unknown provider `salesfarce`\n  did you mean `salesforce`?");
    }
}
