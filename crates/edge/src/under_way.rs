//! The requests in progress, so that a shutdown can name those that it cuts off.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Method, Request};
use tracing::warn;
use uuid::Uuid;

/// How much of a path is logged, in bytes.
const LOGGED_PATH: usize = 200;

/// One listener's requests in progress: until they have been answered and their function has ended.
#[derive(Clone, Debug, Default)]
pub struct OpenRequests(Arc<Mutex<HashMap<Uuid, (Method, String)>>>);

/// A request in progress. It ends when the last clone of this is dropped.
#[derive(Clone, Debug)]
pub struct RequestTicket(Arc<OpenRequest>);

#[derive(Debug)]
struct OpenRequest {
    id: Uuid,
    all: OpenRequests,
}

impl OpenRequests {
    /// Begins a request and gives it an id.
    pub(crate) fn begin<B>(&self, request: &Request<B>) -> RequestTicket {
        let id = Uuid::new_v4();
        let line = (
            request.method().clone(),
            shortened(request.uri().path()).to_owned(),
        );
        self.all().insert(id, line);
        let all = self.clone();
        RequestTicket(Arc::new(OpenRequest { id, all }))
    }

    /// Logs each request in progress as cut off. Returns how many there are.
    pub fn log_cut_off(&self) -> usize {
        let all = self.all();
        for (id, (method, path)) in all.iter() {
            warn!(%method, path, request_id = %id, "cut off by the shutdown");
        }
        all.len()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, (Method, String)>> {
        // A panic halfway through a change still leaves a valid map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestTicket {
    /// The request's id.
    #[must_use]
    pub fn id(&self) -> String {
        self.0.id.to_string()
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.all.all().remove(&self.id);
    }
}

/// The path for a log line, shortened so that a client cannot make it long.
#[must_use]
pub fn shortened(path: &str) -> &str {
    // A path is ASCII; otherwise nothing of it is logged.
    path.get(..LOGGED_PATH.min(path.len())).unwrap_or_default()
}
