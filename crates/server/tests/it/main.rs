//! The server over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop there"
)]

mod access;
mod api;
mod autoscaling;
mod backend;
mod binary;
mod caching;
mod client;
mod connections;
mod credentials;
mod data_folder;
mod ec2;
mod events;
mod functions;
mod gateway;
mod hosted;
mod limits;
mod log;
mod openapi;
mod pages;
mod restart;
mod routes;
mod scalable_target_dimensions;
mod sigv4;
mod sites;
mod stage;
mod start;
mod statements;
mod stop;
mod support;
mod terminal;
mod tls;
mod tokens;
mod transfer;
mod v1;
