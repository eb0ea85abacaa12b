//! A small Runtime API for one function, with only the parts that a function uses:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
//!
//! It blocks, on a separate thread.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Child,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

use super::messages::HttpMessage;
use crate::error::BenchError;

/// How long a function may take to request work, or to respond. Under valgrind everything takes fifty times as long.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time limit of an invocation, as reported to the function.
const DEADLINE: Duration = Duration::from_secs(29);

/// The listener where a function requests work.
pub(crate) struct RuntimeApi(TcpListener);

/// A function that has requested work.
pub(crate) struct RuntimeSession {
    connection: BufReader<TcpStream>,
    invocations: usize,
}

impl RuntimeApi {
    pub(crate) fn open() -> Result<Self, BenchError> {
        Ok(Self(TcpListener::bind("127.0.0.1:0")?))
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, BenchError> {
        Ok(self.0.local_addr()?)
    }

    /// Waits until the function requests work for the first time.
    pub(crate) fn wait_for(&self, function: &mut Child) -> Result<RuntimeSession, BenchError> {
        let until = Instant::now() + PATIENCE;
        while !self.is_called(Duration::from_secs(1))? {
            if let Some(status) = function.try_wait()? {
                return Err(
                    format!("the function ended before it asked for work: {status}").into(),
                );
            }
            if Instant::now() > until {
                return Err("the function did not ask for work".into());
            }
        }
        let (stream, _) = self.0.accept()?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut session = RuntimeSession {
            connection: BufReader::new(stream),
            invocations: 0,
        };
        session.next()?;
        Ok(session)
    }

    fn is_called(&self, within: Duration) -> Result<bool, BenchError> {
        let within = Timespec::try_from(within)?;
        let called = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&within))?;
        Ok(called > 0)
    }
}

impl RuntimeSession {
    /// Passes an event to the function. Returns how long the response took, which must have status 200.
    pub(crate) fn invoke(&mut self, event: &[u8]) -> Result<Duration, BenchError> {
        self.invocations += 1;
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + DEADLINE;
        let head = format!(
            "HTTP/1.1 200 OK\r\n\
             lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-{:012}\r\n\
             lambda-runtime-deadline-ms: {}\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n\
             lambda-runtime-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.invocations,
            deadline.as_millis(),
            event.len(),
        );
        let message = [head.as_bytes(), event].concat();
        let started = Instant::now();
        self.connection.get_mut().write_all(&message)?;
        let answer = HttpMessage::read(&mut self.connection)?;
        let took = started.elapsed();
        is_ok(&answer)?;
        self.connection
            .get_mut()
            .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
        self.next()?;
        Ok(took)
    }

    /// Waits until the function requests work.
    fn next(&mut self) -> Result<(), BenchError> {
        let request = HttpMessage::read(&mut self.connection)?;
        if request.line.contains("/invocation/next ") {
            Ok(())
        } else {
            Err(format!("the function did not ask for work but: {}", request.line).into())
        }
    }
}

/// Whether it is a response to an invocation, with status 200.
fn is_ok(answer: &HttpMessage) -> Result<(), BenchError> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.line.contains("/response ") && body["statusCode"] == 200 {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&answer.body);
    Err(format!("the function answered {}: {body}", answer.line).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str, body: &str) -> HttpMessage {
        HttpMessage {
            line: line.to_owned(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    #[test]
    fn an_answer_that_is_not_200_is_no_measurement() {
        let line = "POST /2018-06-01/runtime/invocation/1/response HTTP/1.1";
        assert!(is_ok(&request(line, r#"{"statusCode":200}"#)).is_ok());
        for body in [r#"{"statusCode":503}"#, "{}", "x"] {
            let error = is_ok(&request(line, body)).unwrap_err().to_string();
            assert!(error.ends_with(body), "{error}");
        }
        let failed = line.replace("response", "error");
        assert!(is_ok(&request(&failed, r#"{"statusCode":200}"#)).is_err());
    }
}
