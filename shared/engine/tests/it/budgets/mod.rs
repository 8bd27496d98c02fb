//! Many environments at one connection, over rows that they share, on virtual time, before a CRM that counts exactly.

mod fleet;
mod flying;
mod memory;
mod overload;
mod tail;
mod traffic;
