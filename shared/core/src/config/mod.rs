//! Configuration: a folder of YAML → checked documents → what changed → one org's connections, routes and mappings.
//!
//! Invariants: a wrong folder is refused as a whole, with every error of every file at its place; a mapping's revision
//! only ever grows for its (org, provider, record type), the removal of an override included.
//!
//! - `canary.rs` orgs that try a change before all others · `admin.rs` one org by itself, `openapi.rs` how that is asked for
//! - [`load`] files → [`ConfigSet`] · [`plan_apply`] what to store · [`diff`] in people's words
//! - [`resolve`] stored documents → [`OrgConfig`], what the functions work with · [`Pauses`] what stops connections beside them
//! - `earlier.rs` one mapping as it was · `described.rs` what the CRMs say, kept beside the files
//! - `yaml.rs` positions · `shown.rs` what is wrong, with a caret below it · `shape.rs` the check against the schema · `schema.rs` the schemas themselves

mod admin;
mod append;
mod apply;
mod canary;
mod cases;
mod check;
mod conflict;
mod described;
mod diagnostic;
mod diff;
mod document;
mod earlier;
mod effective;
mod file;
mod globals;
mod load;
mod openapi;
mod pause;
mod percent;
mod references;
mod resolve;
mod schema;
mod shape;
mod shown;
mod syntax;
mod yaml;

pub use admin::{plan_put, plan_removal, read_org, to_file};
pub use append::{append_case, yaml_text};
pub use apply::{
    AUDIT, DocBody, DocChange, GLOBAL_ORG, MAX_DOC_BYTES, Stored, Then, Wish, is_no_org, plan_apply,
    plan_end_trial, plan_rollback,
};
pub use canary::{Canaries, Canary, Verdict, judge, tried_on};
pub use cases::{PlacedCase, TestCases, test_cases};
pub use described::Description;
pub use diagnostic::{Diagnostic, SourceFile};
pub use diff::{Change, ChangeKind, diff};
pub use document::{Applied, ConnectionDoc, GlobalDoc, Mappings, OrgDoc, Routes, Signature, StoredDoc};
pub use earlier::EarlierMapping;
pub use file::{Inbound, LimitText, Mode, OrgFile, Reserve, Source, Target};
pub use globals::Globals;
pub use load::{ConfigSet, load, org_of};
pub use openapi::openapi;
pub use pause::{Pause, Pauses, Scope};
pub use percent::PercentText;
pub use resolve::{ConfigError, Connection, LimitRule, MappingAt, OrgConfig, WayBack, resolve, resolve_over};
pub use schema::{SchemaKind, schema};

#[cfg(test)]
mod tests;
