//! A rehearsal of the first request during a function's start.
//!
//! Lambda gives a starting function a full core, and from the first request on only the share that its memory buys: a
//! seventh of one with 256 MB. The first use of the SDK and of TLS costs far more than later ones: code is mapped,
//! tables are built, credentials are loaded. A rehearsal does all that in advance, without a store: nothing leaves
//! the process, and a failure in it has no consequences. `docs/performance.md` has the measurements.

use std::{future::Future, net::Ipv4Addr, time::Duration};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tokio::{net::TcpListener, time::timeout};

use crate::{connector::connector, trust::Trust};

/// The longest that a start waits for the rehearsal. It takes about a millisecond.
const LIMIT: Duration = Duration::from_millis(100);

/// The response to every call: an operation reads the members that it knows.
const ANSWER: &str = r#"{"transactionId":"rehearsal","numberOfRecordsUpdated":1}"#;

tokio::task_local! {
    /// Set within a rehearsal.
    static REHEARSING: ();
}

/// Runs `work`, a made-up request: every call in it gets a response from memory.
///
/// Does nothing if all calls go over plain HTTP: such a function does not run on AWS, and has a whole processor.
pub async fn rehearse<T>(work: impl Future<Output = T>) {
    rehearse_for(Trust::from_env(), work).await;
}

async fn rehearse_for<T>(trust: Trust, work: impl Future<Output = T>) {
    if trust == Trust::Nobody {
        return;
    }
    let all = async {
        REHEARSING.scope((), work).await;
        rehearse_handshake().await;
    };
    let _ = timeout(LIMIT, all).await;
}

/// Sends requests, except during a rehearsal.
#[derive(Debug)]
pub(crate) struct RehearsalConnector(pub(crate) SharedHttpConnector);

impl HttpConnector for RehearsalConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match REHEARSING.try_with(|()| ()) {
            Ok(()) => HttpConnectorFuture::ready(Ok(answer())),
            Err(_) => self.0.call(request),
        }
    }
}

fn answer() -> HttpResponse {
    let status = StatusCode::try_from(200).expect("a status of HTTP");
    HttpResponse::new(status, SdkBody::from(ANSWER))
}

/// Begins a TLS connection to a listener in this process, which closes it at the client's first message. This exercises
/// the resolver's thread, the socket and the client's half of the key exchange. Returns whether it got that far.
async fn rehearse_handshake() -> bool {
    let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await else {
        return false;
    };
    let url = match listener.local_addr() {
        Ok(address) => format!("https://localhost:{}/", address.port()),
        Err(_) => return false,
    };
    let (Ok(client), Ok(request)) = (
        connector(Trust::Nobody, ProxyConfig::disabled()),
        HttpRequest::get(url),
    ) else {
        return false;
    };
    let peer = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        stream.readable().await
    });
    // This always fails, because the connection is closed or never established.
    let _ = client.call(request).await;
    let greeted = peer.is_finished();
    peer.abort();
    greeted
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::pending};

    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_types::{SdkConfig, region::Region};
    use fleet_core::{
        inventory::{
            AccountId, AddInstance as _, GetInstance as _, InstanceFilter, InstanceId,
            ListInstances as _, NewInstance, Packages, PageLimit, RemoveInstance as _,
        },
        scaling::{
            Capacity, Dimension, DimensionId, ListDimensions as _, ReadDimension as _,
            UpdateDimension as _,
        },
    };

    use super::*;
    use crate::{
        DataApiInventory, DimensionsSettings, DynamoDimensions, InventorySettings,
        config::http_client,
    };

    /// A configuration with an endpoint where nothing listens.
    fn config() -> SdkConfig {
        let connector = connector(Trust::Nobody, ProxyConfig::disabled()).unwrap();
        let credentials = Credentials::new("key", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url("https://127.0.0.1:1")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client(connector))
            .build()
    }

    fn dimensions() -> DynamoDimensions {
        let table = "fleet-dimensions".to_owned();
        DynamoDimensions::new(&config(), DimensionsSettings { table })
    }

    fn inventory() -> DataApiInventory {
        let settings = InventorySettings {
            cluster_arn: "arn:aws:rds:us-east-1:000000000000:cluster:fleet".to_owned(),
            secret: "fleet-db".to_owned(),
            database: "ec2_inventory_db".to_owned(),
        };
        DataApiInventory::new(&config(), settings)
    }

    /// The output of `work` in a rehearsal.
    async fn rehearsed<T>(work: impl Future<Output = T>) -> T {
        REHEARSING.scope((), work).await
    }

    #[tokio::test]
    async fn every_operation_of_the_dimensions_succeeds_without_a_store() {
        let (store, id) = (dimensions(), DimensionId::parse("1").unwrap());
        let limit = PageLimit::default();
        rehearsed(store.read(&id)).await.unwrap();
        rehearsed(store.list(None, None, limit)).await.unwrap();
        let desired = Capacity::new(2.0).unwrap();
        let update = store.update(&id, |stored| {
            let state = stored.state.clone();
            Ok::<_, Infallible>(Dimension { desired, ..state })
        });
        let change = rehearsed(update).await.unwrap();
        assert_eq!(change.after.desired, desired);
    }

    #[tokio::test]
    async fn every_operation_of_the_inventory_succeeds_without_a_store() {
        let (store, id) = (inventory(), InstanceId::parse("i-1").unwrap());
        let new = NewInstance {
            id: id.clone(),
            region: fleet_core::inventory::Region::parse("us-east-1").unwrap(),
            account: AccountId::parse("1").unwrap(),
            packages: Packages::default(),
        };
        let all = InstanceFilter::default();
        let limit = PageLimit::default();
        rehearsed(store.add(&new)).await.unwrap();
        rehearsed(store.get(&id)).await.unwrap();
        rehearsed(store.list(&all, None, limit)).await.unwrap();
        assert!(rehearsed(store.remove(&id)).await.unwrap());
    }

    #[tokio::test]
    async fn a_call_after_a_rehearsal_goes_to_the_store() {
        let (store, id) = (dimensions(), DimensionId::parse("1").unwrap());
        rehearsed(store.read(&id)).await.unwrap();
        // The retries need not wait.
        tokio::time::pause();
        store.read(&id).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_is_rehearsed_is_done_on_aws() {
        let mut done = false;
        // Within its limit, however busy the machine is: it waits for nothing.
        rehearse_for(Trust::AmazonRoots, async { done = true }).await;
        assert!(done);
    }

    #[tokio::test]
    async fn nothing_is_rehearsed_where_all_calls_are_plain() {
        rehearse_for(Trust::Nobody, async { panic!("it is done") }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_given_up() {
        rehearse_for(Trust::System, pending::<()>()).await;
    }

    #[tokio::test]
    async fn a_client_is_heard_before_its_connection_breaks() {
        assert!(rehearse_handshake().await);
    }
}
