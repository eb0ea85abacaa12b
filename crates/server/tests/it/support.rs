//! A separate server for each test: every function, embedded storage in memory, free ports. `.ci/mariadb` runs
//! the inventory's tests on MariaDB too.

use std::net::SocketAddr;

use bytes::Bytes;
use fleet_server::{RunningServer, Server, ServerOptions};

use crate::{
    client::{self, ServerAnswer},
    openapi,
};

/// A running server. It stops when it is dropped.
pub(crate) struct TestServer(RunningServer);

impl TestServer {
    /// Starts a server.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with other options.
    pub(crate) async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let mut options = ServerOptions {
            listen: free_port(),
            aws_listen: free_port(),
            in_memory: true,
            database_url: fleet_testing::fresh_database(),
            ..ServerOptions::default()
        };
        change(&mut options);
        Self(Server::start(options).await.unwrap())
    }

    /// The address of the API.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr()
    }

    /// The URL of the local AWS endpoints.
    pub(crate) fn aws_endpoint_url(&self) -> String {
        self.0.aws_endpoint_url().unwrap()
    }

    /// Requests `path`, which is sent as it is.
    pub(crate) async fn get(&self, path: &str) -> ServerAnswer {
        self.send("GET", path, "").await
    }

    /// Sends a request; the path is sent as it is.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> ServerAnswer {
        self.send_with(method, path, &[], body).await
    }

    /// Sends a request with headers; the path is sent as it is. The response is checked against the OpenAPI document.
    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> ServerAnswer {
        let answer = client::send_with(self.address(), method, path, headers, body).await;
        openapi::check(method, path, &answer);
        answer
    }

    /// The server itself.
    pub(crate) fn running(&self) -> &RunningServer {
        &self.0
    }

    /// Stops it and waits for that.
    pub(crate) async fn stop(self) {
        self.0.stop().await;
    }
}

/// A loopback address with a port chosen by the system.
pub(crate) fn free_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
