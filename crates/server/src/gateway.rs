//! The path of a request: route, body, event, function, response.

use std::{
    io, mem,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use fleet_edge::{
    ClientConnection, Hosting, PlainHttp, REQUEST_ID, RequestTicket, Responder, SiteRules,
    UnreadableRequest, body, shortened,
};
use fleet_http::{DynFunction, ErrorBody};
use http::{
    HeaderValue, Method, Request, Uri, Version,
    header::{EXPECT, HOST},
    request::Parts,
    uri::PathAndQuery,
};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::{
    net::TcpListener,
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use uuid::Uuid;

use crate::{
    access::Access,
    answer::from_function,
    concurrency::Concurrency,
    event::RoutedRequest,
    events::{self, Events},
    https,
    limits::Limits,
    pages::{self, Caller, Pages, takes_html},
    refusal::{self, RequestRefusal, ServerResponse},
    router::{RouteMatch, Router, is_decodable},
    stage::Stage,
    template::{TemplateError, TemplateRoute},
    tls::{Acceptor, ClientRoutes},
};

/// The route that describes the API.
const INDEX: &str = "/v1";

/// A stand-in for API Gateway: a template's routes, each with its function, and the limits of a request.
pub struct Gateway {
    router: Router,
    limits: Limits,
    bodies: body::BodyBudget,
    pages: Option<Pages>,
    events: Option<Events>,
    client_routes: Option<ClientRoutes>,
    sites: Option<SiteRules>,
    access: Option<Access>,
    stage: Option<Stage>,
    running: TaskTracker,
}

impl Gateway {
    /// A gateway for `routes`, served by `functions`.
    ///
    /// # Errors
    /// [`TemplateError`] for a route whose function is not among `functions`, or that conflicts with another one.
    pub fn new(
        routes: Vec<TemplateRoute>,
        functions: &[Arc<dyn DynFunction>],
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        Ok(Self {
            router: Router::new(routes, functions, limits.concurrency)?,
            limits,
            bodies: body::BodyBudget::new(limits.all_bodies_bytes),
            pages: None,
            events: None,
            client_routes: None,
            sites: None,
            access: None,
            stage: None,
            running: TaskTracker::new(),
        })
    }

    /// Adds `pages`, if any, for paths without a route.
    pub(crate) fn with_pages(self, pages: Option<Pages>) -> Self {
        Self { pages, ..self }
    }

    /// Adds `events`, if any.
    pub(crate) fn with_events(self, events: Option<Events>) -> Self {
        Self { events, ..self }
    }

    /// Requires a client certificate for `routes`.
    pub(crate) fn with_client_routes(self, routes: Option<ClientRoutes>) -> Self {
        Self {
            client_routes: routes,
            ..self
        }
    }

    /// Accepts only requests for these `sites`; without rules, all requests.
    pub(crate) fn with_sites(self, sites: Option<SiteRules>) -> Self {
        Self { sites, ..self }
    }

    /// Applies the access rules, if any.
    pub(crate) fn with_access(self, access: Option<Access>) -> Self {
        Self { access, ..self }
    }

    /// Serves only below `stage`, if given.
    pub(crate) fn with_stage(self, stage: Option<Stage>) -> Self {
        Self { stage, ..self }
    }

    /// Serves on `listener` over plain HTTP in background tasks.
    ///
    /// # Errors
    /// Only if the operating system does not report the listener's address.
    pub fn host(self, listener: TcpListener) -> io::Result<Hosting> {
        self.host_with(listener, None)
    }

    /// Like [`Self::host`], over HTTPS if there is an `acceptor`.
    pub(crate) fn host_with(
        self,
        listener: TcpListener,
        acceptor: Option<Acceptor>,
    ) -> io::Result<Hosting> {
        let limits = self.limits.hosting();
        match acceptor {
            Some(acceptor) => Hosting::start(listener, self, acceptor, limits),
            None => Hosting::start(listener, self, PlainHttp, limits),
        }
    }

    /// The path below the stage, as routes have it; `None` outside the stage.
    fn below_stage<'p>(&self, path: &'p str) -> Option<&'p str> {
        match &self.stage {
            Some(stage) => stage.strip(path),
            None => Some(path),
        }
    }

    /// Whether the client may request this route or page: it may require a certificate.
    fn admits(
        &self,
        client: &ClientConnection,
        found: Option<&RouteMatch<'_, '_>>,
        uri: &Uri,
        request_id: &str,
    ) -> bool {
        let covered = self
            .client_routes
            .as_ref()
            .is_some_and(|routes| match found {
                Some(found) => routes.cover(Some(found.resource)),
                None => {
                    // A page's data is protected like the routes that return the same data.
                    let shown = self.router.resources().filter(|resource| {
                        pages::exposes(uri, resource) || events::exposes(uri, resource)
                    });
                    routes.cover(None) || shown.into_iter().any(|shown| routes.cover(Some(shown)))
                }
            });
        if !covered {
            return true;
        }
        if let Some(subject) = &client.certificate {
            info!(client = subject, request_id, "client certificate");
        }
        client.certificate.is_some()
    }

    /// The index of the API, for a client that requests `/` and is not a browser.
    fn index(&self, parts: &mut Parts) -> Option<RouteMatch<'_, 'static>> {
        // Below a stage, `/` is outside.
        let is_root =
            self.stage.is_none() && parts.method == Method::GET && parts.uri.path() == "/";
        if !is_root || (self.pages.is_some() && takes_html(&parts.headers)) {
            return None;
        }
        let found = self.router.find(&Method::GET, INDEX)?;
        set_path(parts, INDEX);
        Some(found)
    }

    /// Responds with the server's own content: events and pages.
    async fn own(&self, parts: &Parts) -> Option<ServerResponse> {
        if let Some(events) = &self.events
            && let Some(answer) = events.answer(parts).await
        {
            return Some(answer);
        }
        // Boxed: the SDK's calls are nested deeper than the compiler's limit for one type.
        Box::pin(self.pages.as_ref()?.answer(parts)).await
    }

    /// `incoming` is `None` afterwards if all of it was read.
    async fn handle(
        &self,
        ticket: &RequestTicket,
        peer: IpAddr,
        parts: Parts,
        found: RouteMatch<'_, '_>,
        incoming: &mut Option<Incoming>,
        arrives_until: Instant,
    ) -> Result<ServerResponse, RequestRefusal> {
        let at = SystemTime::now();
        let admission = match &self.access {
            Some(access) => Some((
                access,
                Box::pin(access.admit(&parts, found.resource, at))
                    .await
                    .map_err(RequestRefusal::Denied)?,
            )),
            None => None,
        };
        let parameters = found.parameters();
        if !parts.uri.query().is_none_or(is_decodable) {
            return Err(RequestRefusal::Query);
        }
        let (body, share) = match incoming {
            None => (Vec::new(), body::BodyShare::default()),
            Some(body) => {
                let read = body::read(body, self.limits.body_bytes, &self.bodies);
                timeout_at(arrives_until, read)
                    .await
                    .map_err(|_| RequestRefusal::TimedOut)??
            }
        };
        *incoming = None;
        if let Some((access, admission)) = admission {
            access
                .confirm(admission, &parts, &body)
                .map_err(RequestRefusal::Denied)?;
        }
        let arrived = RoutedRequest {
            id: &ticket.id(),
            peer,
            at,
            parts,
            stage: self.stage.as_ref(),
            resource: found.resource,
            parameters,
            body,
        };
        // As behind API Gateway, a function has its full time, however slowly the request came in.
        self.call(
            Arc::clone(found.function),
            found.concurrency,
            arrived,
            (ticket.clone(), share),
            Instant::now() + self.limits.request,
        )
        .await
    }

    /// Waits for the function's turn, and calls it in a separate task. As in Lambda, it then runs to its end even if the
    /// client disconnects, and is stopped at the deadline. Waiting for its turn counts towards its time.
    async fn call(
        &self,
        function: Arc<dyn DynFunction>,
        concurrency: &Concurrency,
        arrived: RoutedRequest<'_>,
        held: (RequestTicket, body::BodyShare),
        deadline: Instant,
    ) -> Result<ServerResponse, RequestRefusal> {
        // Before the event is built: a thousand waiting requests would have all they sent in memory twice.
        let turn = timeout_at(deadline, concurrency.turn())
            .await
            .map_err(|_| RequestRefusal::TimedOut)?;
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        let context = arrived.context(left);
        let event = arrived.event();
        let work = async move {
            // A shutdown waits for the function, and logs the request if it gives up. The function holds the body's
            // memory.
            let _held = (held, turn);
            timeout_at(deadline, function.invoke(event, context)).await
        };
        match self.running.spawn(work).await {
            Ok(Ok(made)) => from_function(made),
            Ok(Err(_)) => Err(RequestRefusal::TimedOut),
            Err(_) => Err(RequestRefusal::Malformed),
        }
    }
}

/// Removes a duplicate slash at the beginning, as API Gateway does. Base URLs that end with a slash cause it.
fn without_doubled_slash(parts: &mut Parts) {
    let path = parts.uri.path();
    if path.starts_with("//") {
        let path = format!("/{}", path.trim_start_matches('/'));
        set_path(parts, &path);
    }
}

/// Changes the path, not the query. Does nothing if the path is invalid.
fn set_path(parts: &mut Parts, path: &str) {
    let query = parts.uri.query().map(|query| format!("?{query}"));
    let target = format!("{path}{}", query.unwrap_or_default());
    let mut uri = mem::take(&mut parts.uri).into_parts();
    let changed = PathAndQuery::try_from(target).ok();
    uri.path_and_query = changed.or(uri.path_and_query);
    parts.uri = Uri::from_parts(uri).unwrap_or_default();
}

impl Responder for Gateway {
    type Body = Full<Bytes>;

    async fn respond(
        &self,
        client: &ClientConnection,
        request: Request<Incoming>,
        ticket: &RequestTicket,
    ) -> ServerResponse {
        let arrival = Instant::now();
        let arrives_until = arrival + self.limits.request;
        let id = ticket.id();
        // RFC 9112, section 3.2: anything else is a 400.
        let has_host = request.version() != Version::HTTP_11
            || request.headers().get_all(HOST).iter().count() == 1;
        let site = self
            .sites
            .as_ref()
            .map_or(Ok(()), |sites| sites.check(&request));
        let (mut parts, incoming) = request.into_parts();
        let always_https = client
            .is_secure
            .then(|| https::always(&parts.headers))
            .flatten();
        without_doubled_slash(&mut parts);
        let mut incoming = Some(incoming);
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let waits_to_be_asked = parts.headers.contains_key(EXPECT);
        let below = self.below_stage(&path);
        let found = below
            .and_then(|path| self.router.find(&method, path))
            .or_else(|| self.index(&mut parts));
        let (route, shape) = found
            .as_ref()
            .map_or(("none", ErrorBody::Standard), |found| {
                (found.resource, found.function.error_body())
            });
        let noted = self
            .pages
            .as_ref()
            .filter(|_| pages::is_dimension(route))
            .map(|pages| (pages, Caller::of(client, &parts.headers)));
        let handled = match found {
            _ if !has_host => Err(RequestRefusal::Host),
            _ if let Err(foreign) = site => Err(foreign.into()),
            _ if !self.admits(client, found.as_ref(), &parts.uri, &id) => {
                Err(RequestRefusal::NoClientCertificate)
            }
            Some(found) => {
                self.handle(
                    ticket,
                    client.ip,
                    parts,
                    found,
                    &mut incoming,
                    arrives_until,
                )
                .await
            }
            None if below.is_none() => Err(RequestRefusal::OutsideStage),
            // Boxed, since few requests need it: the space for it would be reserved and copied for every request.
            None => Box::pin(self.own(&parts))
                .await
                .ok_or(RequestRefusal::NoSuchRoute),
        };
        if let (Ok(answer), Some((pages, caller))) = (&handled, noted) {
            pages.note(&method, route, answer, &id, caller).await;
        }
        let mut answer = match handled {
            Ok(answer) => answer,
            Err(refusal) => {
                let status = refusal.status().as_u16();
                let cause = refusal.cause();
                let duration_ms = (arrival.elapsed().as_secs_f64() * 1e5).round() / 1e2;
                if refusal == RequestRefusal::NoSuchRoute {
                    let path = shortened(&path);
                    info!(%method, route, path, status, duration_ms, request_id = id, "no such route");
                } else if status < 500 {
                    info!(%method, route, status, duration_ms, request_id = id, cause = &*cause, "refused");
                } else {
                    warn!(%method, route, status, duration_ms, request_id = id, cause = &*cause, "refused");
                }
                let unread = incoming.filter(|body| !hyper::body::Body::is_end_stream(body));
                let answer = refusal.answer(shape, &id, unread.is_some());
                // Reading a body that the client has not started would request it.
                if let Some(body) = unread.filter(|_| !waits_to_be_asked) {
                    // In a separate task, so that the client gets the response while it is still sending.
                    tokio::spawn(body::discard(body, arrives_until));
                }
                answer
            }
        };
        if let Ok(id) = HeaderValue::try_from(id) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        answer.headers_mut().extend(always_https);
        answer
    }

    fn refuse(&self, unreadable: UnreadableRequest, request_id: Uuid) -> ServerResponse {
        refusal::of_unreadable(unreadable, request_id)
    }

    async fn finish(&self) {
        self.running.close();
        self.running.wait().await;
    }
}
