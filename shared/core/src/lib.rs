//! What to do, decided by pure functions over values.
//!
//! Nothing here does I/O, reads a clock or draws a random number: time, nonces and what was read arrive as
//! arguments. That is what lets one core run in a Lambda function and under a seeded simulator alike.
//!
//! - [`change`] the change event and its parsing · [`key`] records, connections and their keys
//! - [`mapping`] record to CRM payload · [`config`] connections, routes and mappings from YAML
//! - [`item`] what is kept per record and connection, [`slot`] the version of it that is not applied, [`parked`] what people do with it · [`plan`] what to do next · [`settle`] what to write after · [`marks`] what both sides had last
//! - [`failure`] what may go wrong at a CRM · [`code`] the `RTR` codes · [`dead_letter`] the envelope · [`ingest`] what producers hand in
//! - [`inbound`] what CRMs tell of their records
//! - [`audit`] what people did · [`links`] links told by a file · [`limit`] token buckets · [`breaker`] a connection's circuit breaker · [`pressure`] how much a backfill may send · [`retry`] when to try again · [`time`] instants
//! - [`metric`] what is counted, [`log`] what is logged, [`notice`] what operators are told, [`trail`] how an ending came about, [`trace`] whose trace a change is part of

pub mod audit;
pub mod breaker;
pub mod change;
pub mod code;
pub mod config;
pub mod dead_letter;
pub mod digest;
pub mod failure;
pub mod inbound;
pub mod ingest;
pub mod item;
pub mod key;
pub mod lane;
pub mod limit;
pub mod links;
pub mod log;
pub mod mapping;
pub mod marks;
pub mod metric;
pub mod notice;
pub mod parked;
pub mod payload;
pub mod plan;
pub mod pressure;
pub mod retry;
pub mod sent;
pub mod settle;
pub mod slot;
pub mod time;
pub mod trace;
pub mod trail;
