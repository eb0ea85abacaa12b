//! A client that sends exactly the given bytes: paths are not normalised.

use std::{io, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Request, Uri, header::CONNECTION};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, task::JoinHandle};

/// The response.
#[derive(Clone, Debug)]
pub struct ClientResponse {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if it is not JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl ClientResponse {
    /// A header's value; empty if the header is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A connection for one request after another; it is reopened if the server closes it with a response.
#[derive(Debug)]
pub struct ServerConnection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    address: SocketAddr,
    /// Whether the last response announced that the connection closes.
    ends: bool,
}

impl ServerConnection {
    /// Opens a connection.
    ///
    /// # Errors
    /// If nothing listens there.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let driver = tokio::spawn(async move {
            // The caller that waits for a response gets the connection's error.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            driver,
            address,
            ends: false,
        })
    }

    /// Sends a request and waits for its response.
    ///
    /// # Errors
    /// If the connection ends before the response does.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> io::Result<ClientResponse> {
        self.send_with(method, path, &[], body).await
    }

    /// Sends a request with headers and waits for its response.
    ///
    /// # Errors
    /// If the connection ends before the response does.
    pub async fn send_with(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> io::Result<ClientResponse> {
        if self.ends {
            *self = Self::open(self.address).await?;
        }
        let mut request = Request::builder()
            .method(method)
            .uri(path.parse::<Uri>().map_err(io::Error::other)?)
            .header("host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(body.into()))
            .map_err(io::Error::other)?;
        self.sender.ready().await.map_err(io::Error::other)?;
        let (parts, body) = self
            .sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?
            .into_parts();
        self.ends = parts
            .headers
            .get(CONNECTION)
            .is_some_and(|value| value == "close");
        let text =
            String::from_utf8_lossy(&body.collect().await.map_err(io::Error::other)?.to_bytes())
                .into_owned();
        Ok(ClientResponse {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }
}

impl Drop for ServerConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Sends a request on a new connection. The server must respond.
pub async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
) -> ClientResponse {
    ServerConnection::open(address)
        .await
        .unwrap()
        .send(method, path, body)
        .await
        .unwrap()
}
