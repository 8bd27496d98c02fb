//! What every command gets: the way out, and the way to the stack when it asks for it.

use crate::aws::Aws;
use crate::output::Output;
use crate::problem::Problem;
use crate::stack::Choice;

/// One run of the command.
#[derive(Debug)]
pub(crate) struct App {
    /// The way out.
    pub(crate) out: Output,
    choice: Choice,
}

impl App {
    /// A run with these global options.
    pub(crate) fn new(json: bool, stack: Option<String>) -> Self {
        let choice = Choice::from_lookup(stack, |name| std::env::var(name).ok());
        Self { out: Output::new(json), choice }
    }

    /// The stack, looked up. Commands that need none work without AWS.
    pub(crate) async fn aws(&self) -> Result<Aws, Problem> {
        Aws::connect(&self.choice).await
    }
}
