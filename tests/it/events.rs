//! Every example event of `events/`, through the real binaries under a Runtime API.
