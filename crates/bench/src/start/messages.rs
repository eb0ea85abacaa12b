//! HTTP messages over a blocking connection: an asynchronous runtime would add to the measured times.

use std::io::{BufRead, Read};

use crate::error::BenchError;

/// A request or a response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HttpMessage {
    /// The request line or the status line.
    pub(crate) line: String,
    /// The headers, as they were sent.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl HttpMessage {
    /// Reads a message with its body, which has a length or is chunked.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Self, BenchError> {
        let line = read_line(from)?;
        let mut headers = Vec::new();
        loop {
            match read_line(from)? {
                end if end.is_empty() => break,
                header => headers.push(header),
            }
        }
        let mut message = Self {
            line,
            headers,
            body: Vec::new(),
        };
        if message.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = read_line(from)?;
                let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)?;
                take(from, size, &mut message.body)?;
                // The line break after a chunk, and after the last one, which is empty.
                read_line(from)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            let length = message.header("content-length").unwrap_or("0").parse()?;
            take(from, length, &mut message.body)?;
        }
        Ok(message)
    }

    /// The value of the header with this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|header| {
            let (other, value) = header.split_once(':')?;
            other.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The bytes to send, with the length of the body.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.line);
        for header in &self.headers {
            let name = header.split(':').next().unwrap_or_default();
            if !["content-length", "transfer-encoding"].contains(&&*name.to_ascii_lowercase()) {
                head += &format!("{header}\r\n");
            }
        }
        head += &format!("content-length: {}\r\n\r\n", self.body.len());
        [head.as_bytes(), &self.body].concat()
    }
}

fn take(from: &mut impl Read, length: usize, into: &mut Vec<u8>) -> Result<(), BenchError> {
    let before = into.len();
    into.resize(before + length, 0);
    Ok(from.read_exact(&mut into[before..])?)
}

fn read_line(from: &mut impl BufRead) -> Result<String, BenchError> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err("the other side closed its connection".into());
    }
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str, headers: &[&str], body: &str) -> HttpMessage {
        HttpMessage {
            line: line.to_owned(),
            headers: headers.iter().map(|header| (*header).to_owned()).collect(),
            body: body.into(),
        }
    }

    #[test]
    fn messages_are_read_one_after_the_other() {
        let mut sent = &b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: a\r\n\r\n\
            POST /a/response HTTP/1.1\r\nContent-Length: 5\r\n\r\n{\"a\"}\
            HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"b\r\nA;x=y\r\n\":12345678\r\n1\r\n}\r\n0\r\n\r\n\
            POST /c/err"[..];
        assert_eq!(
            HttpMessage::read(&mut sent).unwrap(),
            message(
                "GET /2018-06-01/runtime/invocation/next HTTP/1.1",
                &["host: a"],
                ""
            )
        );
        assert_eq!(
            HttpMessage::read(&mut sent).unwrap(),
            message(
                "POST /a/response HTTP/1.1",
                &["Content-Length: 5"],
                r#"{"a"}"#
            )
        );
        assert_eq!(
            HttpMessage::read(&mut sent).unwrap(),
            message(
                "HTTP/1.1 200 OK",
                &["Transfer-Encoding: chunked"],
                r#"{"b":12345678}"#
            )
        );
        let broken = HttpMessage::read(&mut sent).unwrap_err().to_string();
        assert_eq!(broken, "the other side closed its connection");
    }

    #[test]
    fn a_message_is_sent_with_the_length_of_its_body() {
        let headers = ["Host: a", "Transfer-Encoding: chunked", "content-length: 9"];
        let sent = message("POST / HTTP/1.1", &headers, "body").to_bytes();
        assert_eq!(
            String::from_utf8(sent).unwrap(),
            "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 4\r\n\r\nbody"
        );
    }
}
