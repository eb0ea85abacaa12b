//! An AWS endpoint with scripted responses.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, http::StatusCode, response::IntoResponse as _};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running endpoint on loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct FakeAws {
    address: String,
    server: JoinHandle<()>,
}

impl FakeAws {
    /// Answers the calls in order with these statuses and bodies, and every further one with a 500.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let answers: VecDeque<_> = answers.into_iter().collect();
        let answers = Arc::new(Mutex::new(answers));
        let answer = move || {
            let next = answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            async move {
                let (status, body) = next.unwrap_or((500, json!({})));
                let status = StatusCode::from_u16(status).unwrap_or_default();
                let headers = [
                    ("content-type", "application/x-amz-json-1.0"),
                    ("x-amzn-requestid", "aws-request-1"),
                ];
                (status, headers, body.to_string()).into_response()
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has one");
        let server = tokio::spawn(async move {
            // Ends with the test.
            let _ = axum::serve(listener, Router::new().fallback(answer)).await;
        });
        Self {
            address: format!("http://{address}"),
            server,
        }
    }

    /// The settings that point the SDK to it.
    #[must_use]
    pub fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("AWS_ENDPOINT_URL", &self.address),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        self.server.abort();
    }
}
