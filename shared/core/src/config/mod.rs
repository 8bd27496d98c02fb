//! Configuration: a folder of YAML → checked documents → what changed → one org's connections, routes and mappings.
//!
//! Invariants: a wrong folder is refused as a whole, with every error of every file at its place; a mapping's revision
//! only ever grows for its (org, provider, record type), the removal of an override included.
//!
//! - [`load`] files → [`ConfigSet`] · [`plan_apply`] what to store · [`diff`] in people's words
//! - [`resolve`] stored documents → [`OrgConfig`], what the functions work with · [`Pauses`] what stops connections beside them
//! - `yaml.rs` positions · `shape.rs` the check against the schema · `schema.rs` the schemas themselves

mod apply;
mod check;
mod conflict;
mod diagnostic;
mod diff;
mod document;
mod file;
mod load;
mod pause;
mod percent;
mod references;
mod resolve;
mod schema;
mod shape;
mod yaml;

pub use apply::{DocBody, DocChange, GLOBAL_ORG, Stored, plan_apply};
pub use diagnostic::{Diagnostic, SourceFile};
pub use diff::{Change, ChangeKind, diff};
pub use document::{ConnectionDoc, GlobalDoc, Mappings, OrgDoc, Routes, StoredDoc};
pub use file::{Inbound, LimitText, Mode, OrgFile, Reserve, Target};
pub use load::{ConfigSet, TestCases, load, test_cases};
pub use pause::{Pause, Pauses, Scope};
pub use percent::PercentText;
pub use resolve::{ConfigError, Connection, LimitRule, MappingAt, OrgConfig, resolve};
pub use schema::{SchemaKind, schema};

#[cfg(test)]
mod tests;
