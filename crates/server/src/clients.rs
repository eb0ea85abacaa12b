//! The clients of the stores.

use aws_sdk_dynamodb::config::Builder as DynamoDbBuilder;
use aws_sdk_rdsdata::config::Builder as DataApiBuilder;
use fleet_aws::{
    DataApiInventory, DimensionsSettings, DynamoDimensions, InventorySettings, SdkConfig,
    SecretProbe,
};
use fleet_local_aws::InProcess;

use crate::in_process::{HeaderRemoval, NoSignature, http_client};

/// Creates the clients of the stores, all with the same configuration.
#[derive(Clone, Debug)]
pub struct Clients {
    config: SdkConfig,
    in_process: bool,
}

impl Clients {
    /// Connects to the stores with `config`.
    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        Self {
            config,
            in_process: false,
        }
    }

    /// Connects to the stores of `local`, in this process, whatever endpoint `config` has.
    #[must_use]
    pub fn in_process(config: &SdkConfig, local: InProcess) -> Self {
        Self {
            config: config.to_builder().http_client(http_client(local)).build(),
            in_process: true,
        }
    }

    /// The configuration, for any other client.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The inventory that `settings` name.
    #[must_use]
    pub fn inventory(&self, settings: InventorySettings) -> DataApiInventory {
        let mut config = DataApiBuilder::from(&self.config);
        if self.in_process {
            config = config
                .push_auth_scheme(NoSignature::new())
                .interceptor(HeaderRemoval);
        }
        DataApiInventory::new(config, settings)
    }

    /// The dimensions that `settings` name.
    #[must_use]
    pub fn dimensions(&self, settings: DimensionsSettings) -> DynamoDimensions {
        let mut config = DynamoDbBuilder::from(&self.config);
        if self.in_process {
            config = config
                .push_auth_scheme(NoSignature::new())
                .interceptor(HeaderRemoval);
        }
        DynamoDimensions::new(config, settings)
    }

    /// The secret of the inventory that `settings` name.
    #[must_use]
    pub fn secret(&self, settings: &InventorySettings) -> SecretProbe {
        SecretProbe::new(&self.config, settings)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    };
    use aws_smithy_types::body::SdkBody;
    use fleet_core::{
        inventory::{GetInstance as _, InstanceId},
        scaling::{DimensionId, ReadDimension as _},
    };

    use super::*;

    type Headers = Vec<(String, String)>;

    /// Records the headers of each request, and returns an empty response.
    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Vec<Headers>>>);

    impl HttpConnector for Recorder {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let headers = request.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            self.0.lock().unwrap().push(headers.collect());
            let answer = HttpResponse::new(200.try_into().unwrap(), SdkBody::from("{}"));
            HttpConnectorFuture::ready(Ok(answer))
        }
    }

    /// The headers of the requests that read each store.
    async fn headers(in_process: bool) -> Vec<Headers> {
        let recorder = Recorder::default();
        let connector = SharedHttpConnector::new(recorder.clone());
        let credentials = Credentials::new("a", "b", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url("http://127.0.0.1:1")
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        let clients = Clients { config, in_process };
        let inventory = clients.inventory(InventorySettings {
            cluster_arn: "arn:aws:rds:us-east-1:000000000000:cluster:fleet".to_owned(),
            secret: "fleet-db".to_owned(),
            database: "fleet".to_owned(),
        });
        let id = InstanceId::parse("i-1").unwrap();
        assert_eq!(inventory.get(&id).await.unwrap(), None);
        let dimensions = clients.dimensions(DimensionsSettings {
            table: "fleet".to_owned(),
        });
        let id = DimensionId::parse("1-2").unwrap();
        dimensions.read(&id).await.unwrap();
        recorder.0.lock().unwrap().clone()
    }

    /// The headers that only a server across a network would read.
    fn adornments(headers: &[(String, String)]) -> Vec<&str> {
        let of_a_network = [
            "user-agent",
            "x-amz-user-agent",
            "amz-sdk-invocation-id",
            "amz-sdk-request",
        ];
        let names = headers.iter().map(|(name, _)| name.as_str());
        names.filter(|name| of_a_network.contains(name)).collect()
    }

    fn signature(headers: &[(String, String)]) -> &str {
        let authorization = headers.iter().find(|(name, _)| name == "authorization");
        authorization
            .and_then(|(_, value)| value.rsplit_once("Signature="))
            .map_or("none", |(_, signature)| signature)
    }

    #[tokio::test]
    async fn requests_within_the_process_are_not_signed_and_say_nothing_of_their_sender() {
        let within = headers(true).await;
        assert_eq!(within.len(), 2);
        for headers in &within {
            assert_eq!(signature(headers), "0", "{headers:?}");
            assert_eq!(adornments(headers), [""; 0], "{headers:?}");
        }
    }

    #[tokio::test]
    async fn all_others_are_signed_and_adorned() {
        let others = headers(false).await;
        assert_eq!(others.len(), 2);
        for headers in &others {
            assert_eq!(signature(headers).len(), 64, "{headers:?}");
            assert_eq!(adornments(headers).len(), 4, "{headers:?}");
        }
    }
}
