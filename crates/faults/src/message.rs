//! HTTP messages as bytes: as much of HTTP/1.1 as a proxy between an AWS SDK and its service needs.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const HEAD_END: &[u8] = b"\r\n\r\n";

/// A request, whole.
#[derive(Debug)]
pub(crate) struct Message {
    /// The path for the Data API, `/Execute` say; else the operation's name.
    pub(crate) operation: String,
    /// Head and body, with the wish that the connection be closed after the answer.
    pub(crate) bytes: Vec<u8>,
}

/// Reads one request; `None` where the client has closed the connection instead.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Message>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(HEAD_END.len()).position(|window| window == HEAD_END) {
            break at + HEAD_END.len();
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let length: usize = header(&head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let operation = header(&head, "x-amz-target").and_then(|target| Some(target.rsplit_once('.')?.1.to_owned())).unwrap_or(path);
    // The answer then ends where the connection does, however it is framed.
    let line_end = head.find("\r\n").unwrap_or_default() + 2;
    bytes.splice(line_end..line_end, *b"connection: close\r\n");
    Ok(Some(Message { operation, bytes }))
}

/// Sends `request` to the store and reads the answer to its end.
pub(crate) async fn exchange(mut store: TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    store.write_all(request).await?;
    let mut answer = Vec::new();
    store.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// An error as the services write it, or as a gateway before them does.
pub(crate) fn refusal(status: u16, exception: Option<&str>, message: &str) -> Vec<u8> {
    let body = match exception {
        Some(exception) => serde_json::json!({ "__type": exception, "message": message }).to_string(),
        None => "<html><body>Bad gateway</body></html>".to_owned(),
    };
    let kind = exception.map_or("text/html", |_| "application/json");
    let error_type =
        exception.map(|exception| format!("x-amzn-errortype: {exception}:http://internal.amazon.com/\r\n")).unwrap_or_default();
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
