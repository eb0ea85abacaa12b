//! What comes before HTTP on a connection.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::responder::ClientConnection;

/// What becomes of a TCP connection before HTTP is spoken.
pub trait Handshake: Send + Sync + 'static {
    /// What HTTP is spoken over.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Shakes hands with `client`, and adds what it learns of it; `None` where the connection has served its purpose.
    ///
    /// # Errors
    /// A client that does not do its part.
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
