//! HTTP messages as bytes: only as much of HTTP/1.1 as a proxy between an AWS SDK and its service needs.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const HEAD_END: &[u8] = b"\r\n\r\n";

/// A complete request or response.
#[derive(Debug)]
pub(crate) struct Message {
    head: String,
    /// Head and body.
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    /// The operation of a request: the path for the Data API, such as `/Execute`; otherwise the operation's name.
    pub(crate) fn operation(&self) -> &str {
        let operation =
            header(&self.head, "x-amz-target").and_then(|target| Some(target.rsplit_once('.')?.1));
        operation
            .or_else(|| self.head.split(' ').nth(1))
            .unwrap_or_default()
    }
}

/// Reads one message; `None` if the other side has closed the connection instead.
///
/// # Panics
/// If it does not announce its length, which the SDK and the local services always do.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Message>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes
            .windows(HEAD_END.len())
            .position(|window| window == HEAD_END)
        {
            break at + HEAD_END.len();
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let length = header(&head, "content-length").and_then(|value| value.parse::<usize>().ok());
    let length = length.unwrap_or_else(|| panic!("a message without its length: {head}"));
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Message { head, bytes }))
}

/// Sends `request` to the store and reads the response to its end.
pub(crate) async fn exchange(store: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    store.write_all(request).await?;
    let answer = read(store).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(answer.bytes)
}

/// An error in the services' format, or in that of a gateway in front of them.
pub(crate) fn refusal(status: u16, exception: Option<&str>, message: &str) -> Vec<u8> {
    let body = match exception {
        Some(exception) => {
            serde_json::json!({ "__type": exception, "message": message }).to_string()
        }
        None => "<html><body>Bad gateway</body></html>".to_owned(),
    };
    let kind = exception.map_or("text/html", |_| "application/json");
    let error_type = exception
        .map(|exception| format!("x-amzn-errortype: {exception}:http://internal.amazon.com/\r\n"))
        .unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} Refused\r\ncontent-type: {kind}\r\n{error_type}x-amzn-requestid: proxy\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
