//! The whole server: stores, functions, gateway and listener.

use std::{
    borrow::Cow,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use fleet_local_aws::LocalAws;
use tokio::net::TcpListener;

use crate::{
    backend::Stores,
    error::StartError,
    functions,
    gateway::Gateway,
    hosting::Hosting,
    options::Options,
    pages::{Pages, Reader},
    template::{self, TemplateRoute},
};

const BUILT_IN_TEMPLATE: &str = include_str!("../../../template.yaml");

/// The server.
#[derive(Debug)]
pub struct Server;

/// A server that answers. Dropped without [`Running::stop`] it stops by itself a little later.
#[derive(Debug)]
pub struct Running {
    hosting: Hosting,
    local_aws: Option<LocalAws>,
    data_folder: Option<PathBuf>,
}

impl Server {
    /// Starts everything that `options` ask for. What is answered is ready for requests.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let (name, routes) = routes(options.template.as_deref())?;
        // First, since a second server on the same address should say so and not complain of the data folder.
        let listener = bind(options.listen).await?;
        let Stores { config, settings, local, folder } = Stores::open(&options).await?;
        let pages = Pages::new(Reader::new(&config, settings.inventory.clone(), &settings.dimensions));
        let functions = functions::all(&config, settings)?;
        let gateway = Gateway::new(routes, &functions, options.limits).map_err(|cause| StartError::Template { name, cause })?;
        let hosting = Hosting::start(listener, gateway.with_pages(pages)).map_err(|cause| StartError::System(cause.kind()))?;
        Ok(Running { hosting, local_aws: local, data_folder: folder })
    }
}

impl Running {
    /// Where the API answers, without a slash at the end: `http://127.0.0.1:3000`.
    #[must_use]
    pub fn base_url(&self) -> String {
        let mut address = self.hosting.local_addr();
        // An address that stands for all of the machine's is none to connect to.
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    /// Where the local AWS endpoints answer; `None` with the backend `aws`.
    #[must_use]
    pub fn aws_endpoint_url(&self) -> Option<String> {
        self.local_aws.as_ref().map(LocalAws::endpoint_url)
    }

    /// The folder that holds the data; `None` where it is in memory or on AWS.
    #[must_use]
    pub fn data_folder(&self) -> Option<&Path> {
        self.data_folder.as_deref()
    }

    /// Stops taking requests, lets those under way finish and closes the stores.
    pub async fn stop(self) {
        self.hosting.stop().await;
        if let Some(local_aws) = self.local_aws {
            local_aws.stop().await;
        }
    }
}

/// The template's name, for people, and its routes.
fn routes(file: Option<&Path>) -> Result<(String, Vec<TemplateRoute>), StartError> {
    let (name, text) = match file {
        None => ("that is built in".to_owned(), Cow::Borrowed(BUILT_IN_TEMPLATE)),
        Some(file) => {
            let failed = |cause: io::Error| StartError::TemplateFile { file: file.to_owned(), cause: cause.kind() };
            (file.display().to_string(), Cow::Owned(fs::read_to_string(file).map_err(failed)?))
        }
    };
    match template::routes(&text) {
        Ok(routes) => Ok((name, routes)),
        Err(cause) => Err(StartError::Template { name, cause }),
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse(address),
        cause => StartError::Listen { address, cause },
    })
}
