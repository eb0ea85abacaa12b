//! HTTPS by the server itself: certificates from files or by ACME, and client certificates.
//!
//! [`TlsPlan::check`] reads and checks everything that the options name and changes nothing; [`Tls::open`] creates what
//! is needed. The resulting [`Acceptor`] wraps TCP connections in TLS, always with the newest certificate.

mod acceptor;
mod acme;
mod clients;
mod error;
mod files;
pub(crate) mod options;
mod plan;
mod reload;
mod source;

use std::sync::{Arc, RwLock};

use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::{acceptor::Acceptor, clients::ClientRoutes, plan::TlsPlan};
use self::{
    acceptor::TlsState,
    acme::Acme,
    source::{CertificateSource, Material},
};
pub use self::{error::TlsError, options::TlsOptions};

/// Working HTTPS. Renewals and reloads stop when it is dropped.
#[derive(Debug)]
pub(crate) struct Tls {
    acceptor: Acceptor,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Tls {
    /// Starts renewals and reloads.
    pub(crate) fn open(plan: TlsPlan) -> Result<Self, TlsError> {
        let acme = match &plan.source {
            CertificateSource::Files { .. } => None,
            CertificateSource::Acme(order) => Some(Acme::new(order, &plan.provider)?),
        };
        let resolver = acme.as_ref().map(Acme::resolver);
        let current = plan.build(&plan.material, resolver.clone())?;
        plan.warn(&plan.material);
        let challenge = acme.as_ref().map(Acme::challenge);
        let shared = Arc::new(TlsState {
            current: RwLock::new(current),
            challenge,
            look: Notify::new(),
        });
        let mut tasks = Vec::new();
        if plan.material != Material::default() {
            tasks.push(AbortOnDropHandle::new(tokio::spawn(reload::watch(
                plan,
                resolver,
                Arc::clone(&shared),
            ))));
        }
        tasks.extend(acme.map(|acme| AbortOnDropHandle::new(tokio::spawn(acme.run()))));
        Ok(Self {
            acceptor: Acceptor(shared),
            _tasks: tasks,
        })
    }

    pub(crate) fn acceptor(&self) -> Acceptor {
        self.acceptor.clone()
    }

    /// Reloads the files now.
    pub(crate) fn reload(&self) {
        self.acceptor.0.look.notify_one();
    }
}
