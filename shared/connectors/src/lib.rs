//! The CRMs: one folder each, with the same rooms, behind one enum.
//!
//! What a connector decides is pure (requests, responses, classification); [`session`] is the one place that sends,
//! waits and retries, over the [`http`] seams. What has changed at a CRM is asked for in the words of [`changes`]. What a CRM pushes is verified and read by its [`webhook`], purely.

pub mod bisect;
pub mod changes;
pub mod connector;
pub mod credentials;
pub mod http;
pub mod hubspot;
pub mod ingest;
pub mod oauth;
pub mod registry;
pub mod salesforce;
pub mod session;
pub mod shape;
pub mod webhook;
