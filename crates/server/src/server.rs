//! The whole server: stores, functions, gateway and listener.

use std::{
    borrow::Cow,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use fleet_local_aws::LocalAws;
use http::Method;
use tokio::net::TcpListener;

use crate::{
    backend::Stores,
    error::StartError,
    functions::{self, FunctionName},
    gateway::Gateway,
    hosting::Hosting,
    options::Options,
    pages::{Pages, Reader},
    template::{self, TemplateError, TemplateRoute},
};

const BUILT_IN_TEMPLATE: &str = include_str!("../../../template.yaml");

const ALL_EXAMPLES: [&str; 3] = [
    r#"-X POST URL/ec2/instance-002 -d '{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"package-1","package_version":"v1"}]}'"#,
    "URL/ec2/instance-002",
    "URL/api/books",
];

/// The server.
#[derive(Debug)]
pub struct Server;

/// A server that answers. Dropped without [`Running::stop`] it stops by itself a little later.
#[derive(Debug)]
pub struct Running {
    hosting: Hosting,
    local_aws: Option<LocalAws>,
    data_folder: Option<PathBuf>,
    has_stores: bool,
    examples: Vec<String>,
}

impl Server {
    /// Starts everything that `options` ask for. What is answered is ready for requests.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let (name, mut routes) = routes(options.template.as_deref())?;
        if let Some(hosted) = &options.functions {
            routes = only(hosted, routes).map_err(|cause| StartError::Template { name: name.clone(), cause })?;
        }
        let examples = examples(&options, &routes);
        // First, since a second server on the same address should say so and not complain of the data folder.
        let listener = bind(options.listen).await?;
        let Stores { config, settings, local, folder } = Stores::open(&options).await?;
        let pages = match (&options.functions, &settings.inventory, &settings.dimensions) {
            // The pages show every store and every route.
            (None, Some(inventory), Some(dimensions)) => Some(Pages::new(Reader::new(&config, inventory.clone(), dimensions))),
            _ => None,
        };
        let has_stores = settings.inventory.is_some() || settings.dimensions.is_some();
        let functions = functions::named(options.hosted(), &config, settings)?;
        let gateway = Gateway::new(routes, &functions, options.limits).map_err(|cause| StartError::Template { name, cause })?;
        let hosting = Hosting::start(listener, gateway.with_pages(pages)).map_err(|cause| StartError::System(cause.kind()))?;
        Ok(Running { hosting, local_aws: local, data_folder: folder, has_stores, examples })
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

    /// Where the local AWS endpoints answer; `None` with the backend `aws`, and where no function needs them.
    #[must_use]
    pub fn aws_endpoint_url(&self) -> Option<String> {
        self.local_aws.as_ref().map(LocalAws::endpoint_url)
    }

    /// The folder that holds the data; `None` where it is in memory or on AWS, or where there is none.
    #[must_use]
    pub fn data_folder(&self) -> Option<&Path> {
        self.data_folder.as_deref()
    }

    /// Whether a function that is hosted asks a store for anything.
    #[must_use]
    pub fn has_stores(&self) -> bool {
        self.has_stores
    }

    /// Requests to try, each as what follows `curl`.
    pub fn examples(&self) -> impl Iterator<Item = String> {
        let url = self.base_url();
        self.examples.iter().map(move |example| example.replace("URL", &url))
    }

    /// Stops taking requests, lets those under way finish and closes the stores.
    pub async fn stop(self) {
        self.hosting.stop().await;
        if let Some(local_aws) = self.local_aws {
            local_aws.stop().await;
        }
    }
}

/// The routes of the functions that are `hosted`.
fn only(hosted: &[FunctionName], mut routes: Vec<TemplateRoute>) -> Result<Vec<TemplateRoute>, TemplateError> {
    let function = |route: &TemplateRoute| FunctionName::of_program(&route.binary);
    if let Some(name) = hosted.iter().find(|name| !routes.iter().any(|route| function(route) == Some(**name))) {
        return Err(TemplateError::NotHosted(name.to_string()));
    }
    // A program that is unknown is for the router to tell of.
    routes.retain(|route| function(route).is_none_or(|name| hosted.contains(&name)));
    Ok(routes)
}

/// Requests that anybody can try, of the functions that are hosted.
fn examples(options: &Options, routes: &[TemplateRoute]) -> Vec<String> {
    if options.functions.is_none() {
        return ALL_EXAMPLES.map(str::to_owned).to_vec();
    }
    let plain = routes.iter().filter(|route| route.method == Some(Method::GET) && !route.path.contains('{'));
    plain.take(ALL_EXAMPLES.len()).map(|route| format!("URL{}", route.path)).collect()
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
