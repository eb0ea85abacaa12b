//! The whole server: stores, functions, gateway and listener.

use std::{
    borrow::Cow,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use fleet_aws::SdkConfig;
use fleet_core::settings::ScalingMode;
use fleet_edge::{Hosting, OpenRequests, SiteRules};
use fleet_jwt::IssuerUrl;
use fleet_local_aws::LocalAws;
use http::Method;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use crate::{
    access::{Access, AccessError, Callers},
    backend::{OpenStores, REGION},
    conflicts::Conflicts,
    document::{self, Facts},
    error::StartError,
    events::{Delivery, Events},
    function_name::FunctionName,
    functions,
    gateway::Gateway,
    https::{self, Https},
    options::{Backend, PagesMode, ServerOptions},
    pages::{History, Pages, StoreReader},
    stage::Stage,
    template::{self, AccessRules, TemplateError, TemplateRoute},
    tls::{ClientRoutes, TlsPlan},
};

const BUILT_IN_TEMPLATE: &str = include_str!("../../../template.yaml");

/// Example requests: the route's method and path, and the arguments of `curl`.
const ALL_EXAMPLES: [(&str, &str, &str); 3] = [
    (
        "POST",
        "/ec2/{aws_instance_id}",
        r#" -X POST URL/ec2/instance-002 -d '{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"package-1","package_version":"v1"}]}'"#,
    ),
    ("GET", "/ec2/{aws_instance_id}", " URL/ec2/instance-002"),
    (
        "PATCH",
        "/v1/scalableTargetDimensions/{scalableTargetDimensionId}",
        r#" -X PATCH URL/v1/scalableTargetDimensions/1-23456789 -d '{"desiredCapacity":2.0}'"#,
    ),
];

/// The server.
#[derive(Debug)]
pub struct Server;

/// A running server. If it is dropped without [`RunningServer::stop`], it stops by itself a little later.
#[derive(Debug)]
pub struct RunningServer {
    hosting: Hosting,
    https: Option<Https>,
    local_aws: Option<LocalAws>,
    data_folder: Option<PathBuf>,
    has_stores: bool,
    has_pages: bool,
    examples: Vec<String>,
    access: Option<String>,
    made_key: Option<String>,
    stage: Option<Stage>,
    /// Ends the requests that wait for events, and their delivery.
    events: DropGuard,
}

impl Server {
    /// Starts everything that `options` request. The returned server is ready for requests.
    ///
    /// # Errors
    /// [`StartError`]; then nothing is left running.
    pub async fn start(options: ServerOptions) -> Result<RunningServer, StartError> {
        let asks = options.access.requires_access(options.listen)?;
        let (name, mut routes, rules) = routes(&options, asks)?;
        if let Some(hosted) = &options.functions {
            routes = hosted_routes(hosted, routes).map_err(|cause| StartError::Template {
                name: name.clone(),
                cause,
            })?;
        }
        let plan = TlsPlan::check(&options, &routes)?;
        let listener = bind(options.listen)
            .await
            .map_err(|error| in_use(error, &options, false))?;
        let plain = match options.tls.http_redirect {
            Some(address) => Some(bind_plain(address).await?),
            None => None,
        };
        if let Some(plan) = &plan {
            plan.prepare()?;
        } else if !options.listen.ip().is_loopback() {
            warn!(
                "{} accepts plain HTTP from other machines: put it behind a load balancer that terminates TLS, or give it --tls-cert or --acme-domain",
                options.listen
            );
        }
        let OpenStores {
            clients,
            settings,
            local,
            folder,
        } = OpenStores::open(
            &options,
            on_this_machine(&listener, plan.as_ref(), &options).as_deref(),
        )
        .await
        .map_err(|error| in_use(error, &options, true))?;
        let client_routes = plan.as_ref().and_then(TlsPlan::client_routes);
        let access = match rules {
            Some(rules) => Some(
                access(
                    &options,
                    rules,
                    &routes,
                    client_routes.as_ref(),
                    clients.config(),
                )
                .await?,
            ),
            None => None,
        };
        let pages = match (
            &options.functions,
            &settings.inventory,
            &settings.dimensions,
            &settings.scaling,
        ) {
            _ if options.pages == PagesMode::Off => None,
            // The pages show every store and every route, and support neither keys nor stages.
            _ if access.is_some() || options.stage.is_some() => None,
            (None, Some(inventory), Some(dimensions), Some(scaling)) => Some(Pages::new(
                options.pages,
                scaling.mode.name(),
                StoreReader::new(&clients, inventory.clone(), dimensions.clone()),
                History::open(folder.as_deref()),
            )),
            _ => None,
        };
        let has_pages = pages.is_some();
        let examples = examples(&options, &routes, access.as_ref());
        let stopped = CancellationToken::new();
        let changes = match (&local, &settings.dimensions) {
            (Some(local), Some(dimensions)) => local.changes(&dimensions.table),
            _ => None,
        };
        if let Some(to) = &options.events_to {
            let changes = changes
                .clone()
                .ok_or(StartError::EmbeddedOnly("--events-to"))?;
            let delivery = Delivery::new(changes, to.clone(), folder.clone(), stopped.clone());
            delivery.map_err(|_| StartError::Events)?.start().await;
        }
        // Like the pages, they support neither keys nor stages.
        let events = changes
            .filter(|_| access.is_none() && options.stage.is_none())
            .map(|changes| Events::new(changes, stopped.clone()));
        let has_stores = settings.inventory.is_some() || settings.dimensions.is_some();
        let system = |cause: io::Error| StartError::System(cause.kind());
        let url = known_url(
            listener.local_addr().map_err(system)?,
            plan.as_ref(),
            options.stage.as_ref(),
        );
        let facts = Facts {
            url: url.as_deref(),
            demo: settings
                .scaling
                .as_ref()
                .map(|scaling| matches!(scaling.mode, ScalingMode::Demo(_))),
            routes: &routes,
            access: access.as_ref(),
        };
        let openapi = document::describe(metadata::OPENAPI, &facts);
        let functions = functions::selected(
            options.hosted(),
            &clients,
            settings,
            openapi,
            local.as_ref().map(LocalAws::data_files),
        )?;
        let limits = options.limits();
        let gateway = Gateway::new(routes, &functions, limits)
            .map_err(|cause| StartError::Template { name, cause })?;
        let made_key = access
            .as_ref()
            .and_then(Access::made_key)
            .map(str::to_owned);
        let said = access.as_ref().map(ToString::to_string);
        let gateway = gateway
            .with_pages(pages)
            .with_events(events)
            .with_client_routes(client_routes)
            .with_sites(sites(&options, plan.is_some()))
            .with_access(access)
            .with_stage(options.stage.clone());
        let https = plan.map(Https::open).transpose()?;
        let hosting = gateway
            .host_with(listener, https.as_ref().map(Https::acceptor))
            .map_err(system)?;
        let port = hosting.local_addr().port();
        let https = https
            .map(|https| https.redirecting(plain, port, limits))
            .transpose()
            .map_err(system)?;
        Ok(RunningServer {
            hosting,
            https,
            local_aws: local,
            data_folder: folder,
            has_stores,
            has_pages,
            examples,
            access: said,
            made_key,
            stage: options.stage,
            events: stopped.drop_guard(),
        })
    }
}

impl RunningServer {
    /// The API's base URL, without a slash at the end: `http://127.0.0.1:3000`, or `https://api.example.com` with the
    /// certificate's name; with the stage at the end if there is one.
    #[must_use]
    pub fn base_url(&self) -> String {
        let address = self.local_addr();
        let url = match &self.https {
            None => format!("http://{address}"),
            Some(https) => https.base_url(address),
        };
        with_stage(url, self.stage.as_ref())
    }

    /// The address to connect to from this machine.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        let mut address = self.hosting.local_addr();
        // An unspecified address is not one to connect to.
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        address
    }

    /// The source of the certificate, in a few words for a person; `None` with plain HTTP.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.https.as_ref().map(Https::certificate)
    }

    /// The address that redirects plain HTTP to HTTPS.
    #[must_use]
    pub fn redirect_addr(&self) -> Option<SocketAddr> {
        self.https.as_ref()?.redirect_addr()
    }

    /// Reloads the certificates; does nothing with plain HTTP.
    pub fn reload(&self) {
        if let Some(https) = &self.https {
            https.reload();
        }
    }

    /// The URL of the local AWS endpoints; `None` with the backend `aws`, or if no function needs them.
    #[must_use]
    pub fn aws_endpoint_url(&self) -> Option<String> {
        self.local_aws.as_ref().map(LocalAws::endpoint_url)
    }

    /// The folder with the data; `None` if the data is in memory or on AWS, or if there is no data.
    #[must_use]
    pub fn data_folder(&self) -> Option<&Path> {
        self.data_folder.as_deref()
    }

    /// What callers must send, in one line for a person; `None` if anyone may call.
    #[must_use]
    pub fn access(&self) -> Option<&str> {
        self.access.as_deref()
    }

    /// The API key that this start created, since there was no key file.
    #[must_use]
    pub fn made_api_key(&self) -> Option<&str> {
        self.made_key.as_deref()
    }

    /// Whether a hosted function uses a store.
    #[must_use]
    pub fn has_stores(&self) -> bool {
        self.has_stores
    }

    /// Whether there are pages for a browser: a server with only some of the functions has none.
    #[must_use]
    pub fn has_pages(&self) -> bool {
        self.has_pages
    }

    /// Example requests, each as the arguments of `curl`, with a space before it.
    pub fn examples(&self) -> impl Iterator<Item = String> {
        let url = self.base_url();
        self.examples
            .iter()
            .map(move |example| example.replace("URL", &url))
    }

    /// The requests in progress.
    pub(crate) fn under_way(&self) -> OpenRequests {
        self.hosting.under_way()
    }

    /// Stops accepting requests, lets those in progress finish and closes the stores. Returns how many requests had
    /// to be cut off, since they took longer than [`Limits::stop`](crate::Limits::stop); the log names each.
    pub async fn stop(self) -> usize {
        drop(self.events);
        let mut https = self.https;
        let redirect = async {
            match &mut https {
                Some(https) => https.stop_redirect().await,
                None => 0,
            }
        };
        let (redirects, requests) = tokio::join!(redirect, self.hosting.stop());
        if let Some(local_aws) = self.local_aws {
            local_aws.stop().await;
        }
        redirects + requests
    }
}

/// The API's URL on this machine; `None` with HTTPS, whose certificate is for another name.
fn on_this_machine(
    listener: &TcpListener,
    plan: Option<&TlsPlan>,
    options: &ServerOptions,
) -> Option<String> {
    let port = listener.local_addr().ok()?.port();
    let url = format!("http://127.0.0.1:{port}");
    plan.is_none()
        .then(|| with_stage(url, options.stage.as_ref()))
}

/// The base URL that every client can use: one with a specific address, or with the certificate's name.
fn known_url(address: SocketAddr, plan: Option<&TlsPlan>, stage: Option<&Stage>) -> Option<String> {
    let name = plan.and_then(TlsPlan::name);
    if address.ip().is_unspecified() && name.is_none() {
        return None;
    }
    let url = match plan {
        None => format!("http://{address}"),
        Some(_) => https::url(name.as_deref(), address),
    };
    Some(with_stage(url, stage))
}

/// A base URL with its stage.
fn with_stage(url: String, stage: Option<&Stage>) -> String {
    match stage {
        None => url,
        Some(stage) => format!("{url}/{stage}"),
    }
}

/// The routes of the functions that are `hosted`.
fn hosted_routes(
    hosted: &[FunctionName],
    mut routes: Vec<TemplateRoute>,
) -> Result<Vec<TemplateRoute>, TemplateError> {
    let function = |route: &TemplateRoute| FunctionName::of_program(&route.binary);
    if let Some(name) = hosted
        .iter()
        .find(|name| !routes.iter().any(|route| function(route) == Some(**name)))
    {
        return Err(TemplateError::NotHosted(name.to_string()));
    }
    // The router reports unknown programs.
    routes.retain(|route| function(route).is_none_or(|name| hosted.contains(&name)));
    Ok(routes)
}

/// Example requests for the existing routes, with what those require.
fn examples(
    options: &ServerOptions,
    routes: &[TemplateRoute],
    access: Option<&Access>,
) -> Vec<String> {
    let shown = |method: &str, path: &str, example: &str| {
        let asked = access.map(|access| access.curl_options(method, path));
        format!("{}{example}", asked.unwrap_or_default())
    };
    if options.functions.is_none() && options.template.is_none() {
        return ALL_EXAMPLES
            .map(|(method, path, example)| shown(method, path, example))
            .to_vec();
    }
    let plain = routes
        .iter()
        .filter(|route| route.method == Some(Method::GET) && !route.path.contains('{'));
    plain
        .take(ALL_EXAMPLES.len())
        .map(|route| shown("GET", &route.path, &format!(" URL{}", route.path)))
        .collect()
}

/// The template's name for people, its routes, and its access rules if they are wanted.
fn routes(
    options: &ServerOptions,
    asks: bool,
) -> Result<(String, Vec<TemplateRoute>, Option<AccessRules>), StartError> {
    let (name, text) = match options.template.as_deref() {
        None => (
            "that is built in".to_owned(),
            Cow::Borrowed(BUILT_IN_TEMPLATE),
        ),
        Some(file) => {
            let failed = |cause: io::Error| StartError::TemplateFile {
                file: file.to_owned(),
                cause: cause.kind(),
            };
            (
                file.display().to_string(),
                Cow::Owned(fs::read_to_string(file).map_err(failed)?),
            )
        }
    };
    // The template's own condition decides what an issuer changes.
    let issuer = options.access.jwt_issuer.as_ref().map(IssuerUrl::as_str);
    let given: Vec<_> = issuer
        .map(|issuer| ("JwtIssuer", issuer))
        .into_iter()
        .collect();
    let parsed = template::routes(&text).and_then(|routes| {
        let rules = asks.then(|| template::access(&text, &given)).transpose()?;
        Ok((routes, rules))
    });
    match parsed {
        Ok((routes, rules)) => Ok((name, routes, rules)),
        Err(cause) => Err(StartError::Template { name, cause }),
    }
}

/// Which requests are accepted: on loopback those for this machine, since a web page in its browser could send others.
fn sites(options: &ServerOptions, has_certificate: bool) -> Option<SiteRules> {
    let rules = || SiteRules::allowing(options.allow_host.iter().cloned());
    options.listen.ip().is_loopback().then(|| {
        if has_certificate {
            rules().with_any_host()
        } else {
            rules()
        }
    })
}

/// If something is in use, an error with all that is: otherwise people would see one conflict per start.
fn in_use(error: StartError, options: &ServerOptions, bound: bool) -> StartError {
    use fleet_local_aws::LocalAwsError as Local;
    match error {
        StartError::AddressInUse(_)
        | StartError::DataFolderInUse(_)
        | StartError::LocalAws(Local::AddressInUse(_)) => Conflicts::find(options, bound)
            .map_or(error, |conflicts| StartError::InUse(Box::new(conflicts))),
        other => other,
    }
}

/// The access rules for the hosted routes.
async fn access(
    options: &ServerOptions,
    mut rules: AccessRules,
    hosted: &[TemplateRoute],
    client_routes: Option<&ClientRoutes>,
    config: &SdkConfig,
) -> Result<Access, AccessError> {
    let is_hosted = |path: &str, method: &Option<Method>| {
        hosted
            .iter()
            .any(|route| route.path == path && route.method == *method)
    };
    rules
        .routes
        .retain(|rule| is_hosted(&rule.path, &rule.method));
    let on_disk = !options.in_memory && options.backend == Backend::Embedded;
    let in_data_folder = on_disk.then(|| options.data_dir.join("api-keys"));
    let key_file = options.access.api_key_file.clone().or(in_data_folder);
    let callers = Callers {
        key_file: key_file.as_deref(),
        issuer: options.access.issuer(),
        credentials: options.access.credentials().await,
        region: config
            .region()
            .map_or_else(|| REGION.to_owned(), ToString::to_string),
    };
    Access::new(rules, callers, |path| {
        client_routes.is_some_and(|routes| routes.cover(Some(path)))
    })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressInUse(address),
            cause => StartError::Listen { address, cause },
        })
}

async fn bind_plain(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| StartError::ListenPlain {
            address,
            cause: cause.kind(),
        })
}
