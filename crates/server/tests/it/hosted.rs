//! A gateway alone, with one function that does what the path says.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use fleet_http::{
    ApiGatewayProxyRequest, ApiGatewayProxyResponse, Body, Context, DynFunction, ErrorBody, Route,
};
use fleet_server::{Gateway, Hosting, Limits, template::routes};
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::support::free_port;

const TEMPLATE: &str = "
Resources:
  Puppet:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: puppet}}
    Properties:
      Events:
        Echo: {Type: Api, Properties: {Path: '/echo/{id}', Method: ANY}}
        Stay: {Type: Api, Properties: {Path: /stay, Method: GET}}
        Panic: {Type: Api, Properties: {Path: /panic, Method: GET}}
        Broken: {Type: Api, Properties: {Path: /broken, Method: GET}}
";

/// Signals between the function and its test.
#[derive(Debug)]
pub(crate) struct Strings {
    /// Gets a permit for each call of `/stay` that has begun.
    pub(crate) begun: Semaphore,
    /// `/stay` ends once this has a permit.
    pub(crate) may_end: Semaphore,
    /// Whether a call of `/stay` has ended.
    pub(crate) ended: AtomicBool,
}

struct Puppet(Arc<Strings>);

impl DynFunction for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn routes(&self) -> &'static [Route] {
        &[]
    }

    fn error_body(&self) -> ErrorBody {
        ErrorBody::Standard
    }

    fn invoke(
        &self,
        event: ApiGatewayProxyRequest,
        context: Context,
    ) -> BoxFuture<'_, ApiGatewayProxyResponse> {
        async move {
            let mut answer = ApiGatewayProxyResponse::default();
            answer.status_code = 200;
            match event.resource.as_deref() {
                Some("/stay") => {
                    self.0.begun.add_permits(1);
                    self.0.may_end.acquire().await.unwrap().forget();
                    self.0.ended.store(true, Ordering::SeqCst);
                }
                Some("/panic") => panic!("as told"),
                Some("/broken") => answer.status_code = 0,
                _ => {
                    assert_eq!(
                        event.request_context.request_id.as_ref(),
                        Some(&context.request_id)
                    );
                    answer.body = Some(Body::Text(serde_json::to_string(&event).unwrap()));
                }
            }
            answer
        }
        .boxed()
    }
}

/// A gateway on a free port.
pub(crate) struct HostedGateway {
    pub(crate) hosting: Hosting,
    pub(crate) strings: Arc<Strings>,
}

impl HostedGateway {
    pub(crate) async fn start(limits: Limits) -> Self {
        let strings = Arc::new(Strings {
            begun: Semaphore::new(0),
            may_end: Semaphore::new(0),
            ended: AtomicBool::new(false),
        });
        let gateway = Gateway::new(
            routes(TEMPLATE).unwrap(),
            &[Arc::new(Puppet(Arc::clone(&strings)))],
            limits,
        )
        .unwrap();
        let hosting = gateway
            .host(TcpListener::bind(free_port()).await.unwrap())
            .unwrap();
        Self { hosting, strings }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.hosting.local_addr()
    }

    /// Waits until a call of `/stay` has begun.
    pub(crate) async fn has_begun(&self) {
        self.strings.begun.acquire().await.unwrap().forget();
    }
}
