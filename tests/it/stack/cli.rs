//! `rtr`, as people and scripts run it.

use super::{CANARY, Stack, schemas};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code.
    pub(crate) code: i32,
    /// stdout.
    pub(crate) out: String,
    /// stderr.
    pub(crate) err: String,
}

impl Stack {
    /// Runs `rtr`. No secret may ever stand in what it says.
    pub(crate) fn rtr(&self, args: &[&str]) -> Said {
        self.rtr_with(args, "", &[])
    }

    /// The same with something on stdin and further variables.
    pub(crate) fn rtr_with(&self, args: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Said {
        // Away from the repository: what works here works anywhere.
        self.rtr_in(&std::env::temp_dir(), args, stdin, variables)
    }

    /// The same in the folder `dir`.
    pub(crate) fn rtr_in(&self, dir: &Path, args: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Said {
        let mut command = self.command(dir, args, variables);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whoever does not read its stdin may be gone before it is written.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = Said {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(
            !said.out.contains(CANARY) && !said.err.contains(CANARY),
            "rtr {args:?} shows a secret: {said:?}"
        );
        schemas::hold(args, &said);
        said
    }

    /// The command, ready to run.
    pub(super) fn command(&self, dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.binaries.join("rtr"));
        let own = self.own.get().into_iter().flatten().map(|(name, value)| (*name, value.as_str()));
        command.args(args).current_dir(dir).envs(own).envs(variables.iter().copied());
        command
    }

    /// Applies a folder of configuration.
    pub(crate) fn apply(&self, folder: &Path) -> Said {
        self.rtr(&["config", "apply", folder.to_str().unwrap()])
    }
}

impl Said {
    /// This, if the command ended with `code`.
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// stdout as JSON, of a command that was done.
    pub(crate) fn json(self) -> Value {
        let said = self.ended(0);
        said.parsed()
    }

    /// stdout as JSON, however the command ended.
    pub(crate) fn parsed(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}
