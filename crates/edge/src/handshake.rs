//! The handshake on a connection before HTTP begins.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::responder::ClientConnection;

/// Prepares a TCP connection for HTTP.
pub trait Handshake: Send + Sync + 'static {
    /// The stream that HTTP is spoken over.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Performs the handshake with `client`, and adds what it learns about it; `None` if the connection has served its
    /// purpose.
    ///
    /// # Errors
    /// If the client does not complete the handshake.
    fn perform(
        &self,
        stream: TcpStream,
        client: &mut ClientConnection,
    ) -> impl Future<Output = io::Result<Option<Self::Stream>>> + Send;
}

/// No handshake: plain HTTP.
#[derive(Clone, Copy, Debug)]
pub struct PlainHttp;

impl Handshake for PlainHttp {
    type Stream = TcpStream;

    async fn perform(
        &self,
        stream: TcpStream,
        _: &mut ClientConnection,
    ) -> io::Result<Option<TcpStream>> {
        Ok(Some(stream))
    }
}
