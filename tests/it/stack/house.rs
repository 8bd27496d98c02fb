//! The internal system of one test: the house of `infra/house`, in a process of its own.

use super::{CANARY, Org, Stack, eventually, unique, variable};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running house, which serves one org.
pub(crate) struct House<'a> {
    stack: &'a Stack,
    url: String,
    child: Child,
    /// What deliveries to it are signed with.
    secret: String,
}

impl<'a> House<'a> {
    /// A house that serves nobody yet.
    pub(crate) fn start(stack: &'a Stack) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/house/house.py");
        let secret = format!("{CANARY}house-{}", unique());
        let child = Command::new("python3")
            .arg(script)
            .args(["--port", &port.to_string()])
            .env("HOUSE_QUEUE_URL", variable("CHANGES_QUEUE_URL"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let house = Self { stack, url: format!("http://127.0.0.1:{port}"), child, secret };
        eventually("the house is open", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.to_string())
        });
        house
    }

    /// How an org's file names it, with `more` about the way back.
    pub(crate) fn target(&self, org: &str, more: &str) -> String {
        format!(
            "{{target: {{http: {{url: '{}/changes', secret: '{}'}}}}{more}}}",
            self.url,
            Self::secret_of(org)
        )
    }

    fn secret_of(org: &str) -> String {
        format!("rtr/{}/{org}/inbound", variable("RTR_STAGE"))
    }

    /// Serves `org` from now on, which has its secret then.
    pub(crate) fn serve(&self, org: &Org<'_>) {
        let text = json!({"secrets": [self.secret]}).to_string();
        let put = self.stack.secrets.create_secret().name(Self::secret_of(&org.id)).secret_string(text);
        self.stack.wait(put.send()).unwrap();
        let settings = json!({"org": org.id, "secrets": ["another", self.secret]});
        self.stack.send_json(Method::PUT, &format!("{}/settings", self.url), &settings);
    }

    /// Its own user changes a contact.
    pub(crate) fn edit(&self, id: &str, values: &Value) {
        self.stack.send_json(Method::PUT, &format!("{}/records/contact/{id}", self.url), values);
    }

    /// The contact as it is.
    pub(crate) fn contact(&self, id: &str) -> Value {
        self.stack.get_json(&format!("{}/records/contact/{id}", self.url), &[])
    }

    /// All its contacts.
    pub(crate) fn contacts(&self) -> Vec<Value> {
        self.stack.get_json(&format!("{}/records/contact", self.url), &[]).as_array().unwrap().clone()
    }

    /// What was brought to it.
    pub(crate) fn deliveries(&self) -> Vec<Value> {
        self.stack.get_json(&format!("{}/deliveries", self.url), &[]).as_array().unwrap().clone()
    }
}

impl Drop for House<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
