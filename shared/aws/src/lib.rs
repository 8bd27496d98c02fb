//! The seams' real twins: DynamoDB, SQS, Secrets Manager, S3, HTTP, the clock, and what a function prints.
//!
//! Nothing here decides anything about a record: adapters carry what the core decided, exactly, and say `Unavailable`
//! when they could not.
//!
//! - [`settings`] what the template told the function · [`clients`] the AWS clients · [`function`] what the mains share
//! - [`records`] items, claims, bodies · [`limits`] buckets, locks, suspensions · [`config`] stored configuration
//! - [`secrets`] credentials at rest · [`queue`] SQS · [`courier`] the internal system behind AWS, [`bus`] where notices go · [`http`] the way to the CRMs and its [`hosts`] · [`clock`] time
//! - [`metrics`] one line per invocation · [`log`] JSON lines · [`xray`] calls in their traces · [`web`] requests of people's browsers ·
//!   [`admin`] one org's document over HTTP · [`ingest`] what producers hand in · [`webhook`] what CRMs push

pub mod admin;
mod attributes;
pub mod bus;
pub mod clients;
pub mod clock;
pub mod config;
pub mod courier;
mod errors;
pub mod function;
pub mod hosts;
pub mod http;
pub mod ingest;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod queue;
pub mod records;
pub mod secrets;
pub mod settings;
pub mod web;
pub mod webhook;
pub mod xray;
