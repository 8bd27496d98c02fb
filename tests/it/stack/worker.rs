//! A copy of a function's real binary, fed by the test: one batch at a time, and killed when the test says so.

use super::lambda::{Answer, RuntimeApi};
use super::{CANARY, ScratchQueue, Stack, unique, variable};
use serde_json::Value;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Beyond a function's own time: a local stack that stalls for a while keeps it from its end, which is no fault of the function.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running function.
pub(crate) struct Worker<'a> {
    api: RuntimeApi,
    child: Child,
    log: PathBuf,
    timeout: Duration,
    _stack: &'a Stack,
}

impl<'a> Worker<'a> {
    /// `sync`, which answers to the messages of `queue`.
    pub(crate) fn sync(stack: &'a Stack, queue: &ScratchQueue<'_>) -> Self {
        Self::sync_with(stack, queue, &[])
    }

    /// The same with further variables.
    pub(crate) fn sync_with(stack: &'a Stack, queue: &ScratchQueue<'_>, variables: &[(&str, &str)]) -> Self {
        let variables = [&[("RTR_CHANGES_QUEUE_URL", queue.url.as_str())], variables].concat();
        Self::start(stack, "sync", &variable("SYNC_FUNCTION_NAME"), &variables)
    }

    /// The binary `name`, with the environment of the deployed function `function` but for `variables`.
    pub(crate) fn start(stack: &'a Stack, name: &str, function: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_for(stack, name, function, variables, variable("FUNCTION_TIMEOUT_S").parse().unwrap())
    }

    /// The same with so many seconds for each invocation.
    pub(crate) fn start_for(
        stack: &'a Stack,
        name: &str,
        function: &str,
        variables: &[(&str, &str)],
        timeout_s: u64,
    ) -> Self {
        let api = RuntimeApi::start(i64::try_from(timeout_s).unwrap() * 1_000);
        let log = std::env::temp_dir().join(format!("rtr-{name}-{}.log", unique()));
        let output = File::create(&log).unwrap();
        let mut command = Command::new(stack.binaries.join(name));
        command
            .env_clear()
            .envs(inherited())
            .envs(stack.environment_of(function))
            .envs(variables.iter().copied());
        command
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "test")
            .env("AWS_ENDPOINT_URL", variable("AWS_COUNTER_URL"));
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { api, child, log, timeout: Duration::from_secs(timeout_s) + PATIENCE, _stack: stack }
    }

    /// Hands over an event and waits for the answer: the ids of the messages that are to come back.
    pub(crate) fn hand(&self, event: &Value) -> Vec<String> {
        let answer = self.ask(event);
        let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    /// Hands over an event and waits for the answer, whatever it is.
    pub(crate) fn ask(&self, event: &Value) -> Value {
        self.begin(event);
        match self.api.answer(self.timeout) {
            Some(Ok(answer)) => answer,
            other => panic!("the function answered {other:?}; its log:\n{}", self.log()),
        }
    }

    /// Hands over an event and waits for nothing.
    pub(crate) fn begin(&self, event: &Value) {
        self.api.invoke(event);
    }

    /// The answer so far, if there is one.
    pub(crate) fn answered(&self) -> Option<Answer> {
        self.api.answer(Duration::ZERO)
    }

    /// The oldest answer that was not taken yet, waited for.
    pub(crate) fn answered_within(&self, time: Duration) -> Option<Answer> {
        self.api.answer(time)
    }

    /// kill -9, in the midst of whatever it does. What it printed until then.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log()
    }

    /// What it printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        let _ = std::fs::remove_file(&self.log);
        if !std::thread::panicking() {
            assert!(!log.contains(CANARY), "the function's log holds a secret:\n{log}");
        }
    }
}

impl Stack {
    /// The variables that the template gave to a function.
    fn environment_of(&self, function: &str) -> Vec<(String, String)> {
        let endpoint = variable("AWS_ENDPOINT_URL");
        let url = format!("{endpoint}/2015-03-31/functions/{function}/configuration");
        let found = self.get_json(&url, &[]);
        let variables = found["Environment"]["Variables"].as_object().unwrap();
        variables.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    }
}

/// What a function needs of ours: credentials and the way to programs, and nothing else.
fn inherited() -> Vec<(&'static str, String)> {
    ["PATH", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .map(|name| (name, variable(name)))
        .to_vec()
}
