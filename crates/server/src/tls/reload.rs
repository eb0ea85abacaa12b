//! Reloading changed certificates while connections continue.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use rustls::server::ResolvesServerCert;
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};
use tracing::{info, warn};

use super::{acceptor::TlsState, plan::TlsPlan, source::Material};

/// How often the files are read. They are small, and only reading them shows whether certificate and key match, which
/// no modification time does.
const EVERY: Duration = Duration::from_secs(2);
/// How often an expiring certificate is reported.
const REMIND: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads the files periodically, or when woken, and puts their contents into `shared`. Unusable files are reported,
/// and the old certificate stays.
pub(super) async fn watch(
    plan: TlsPlan,
    acme: Option<Arc<dyn ResolvesServerCert>>,
    shared: Arc<TlsState>,
) {
    let plan = Arc::new(plan);
    let mut live = plan.material.clone();
    let mut problem = Problem::default();
    let mut reminded = Instant::now();
    loop {
        let told = timeout(EVERY, shared.look.notified()).await.is_ok();
        let reading = Arc::clone(&plan);
        let Ok(read) =
            spawn_blocking(move || Material::read(&reading.source, reading.clients.as_ref())).await
        else {
            continue;
        };
        let made = match read {
            Ok(found) if found == live => {
                if told {
                    info!("the certificates are unchanged");
                }
                problem = Problem::default();
                if reminded.elapsed() >= REMIND {
                    plan.warn(&live);
                    reminded = Instant::now();
                }
                continue;
            }
            Ok(found) => plan
                .build(&found, acme.clone())
                .map(|current| (found, current)),
            Err(error) => Err(error),
        };
        match made {
            Ok((found, current)) => {
                *shared
                    .current
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = current;
                info!("new connections use the new certificates");
                plan.warn(&found);
                live = found;
                problem = Problem::default();
                reminded = Instant::now();
            }
            Err(error) => {
                if problem.is_news(error.to_string(), told) {
                    warn!("keeping the current certificates: {error}");
                }
            }
        }
    }
}

/// The problem found when the files were last read.
#[derive(Debug, Default)]
struct Problem {
    text: Option<String>,
    told: bool,
}

impl Problem {
    /// Whether to report it. Certificate and key are replaced one after the other, so a problem at one check may be
    /// gone at the next; only one that persists is reported, and only once.
    fn is_news(&mut self, text: String, asked: bool) -> bool {
        let again = self.text.as_ref() == Some(&text);
        let news = asked || (again && !self.told);
        *self = Self {
            told: news || (again && self.told),
            text: Some(text),
        };
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_wrong_is_told_and_once() {
        let mut problem = Problem::default();
        let mut news = |text: &str, asked| problem.is_news(text.to_owned(), asked);
        assert!(!news("a", false));
        assert!(news("a", false));
        assert!(!news("a", false));
        assert!(!news("b", false));
        assert!(news("b", false));
        assert!(news("b", true), "who asks is told again");
        assert!(news("c", true));
        assert!(!news("c", false));
    }
}
