//! What is wrong with a file, where, and what was probably meant.

use serde::Serialize;
use std::fmt;

/// The folder whose files these are, for messages.
const FOLDER: &str = "config";

/// A file of the configuration folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path within the folder, with `/`: `orgs/acme.yaml`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// The file's path within the folder.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong and what to do.
    pub message: String,
    /// The nearest right name.
    pub suggestion: Option<String>,
    /// The code people look up, such as `RTR2001`.
    pub code: &'static str,
    /// The line as it stands in the file; empty where there is none.
    pub source: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message, suggestion, code, .. } = self;
        write!(f, "{FOLDER}/{file}:{line}:{column}: {message}")?;
        if let Some(name) = suggestion {
            write!(f, "; did you mean `{name}`?")?;
        }
        write!(f, " ({code})")
    }
}
