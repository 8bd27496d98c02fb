//! The record protocol, searched exhaustively over the real decision functions.

mod model;
mod protocol;
