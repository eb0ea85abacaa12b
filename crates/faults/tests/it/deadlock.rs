//! A real deadlock in a real database: the add that is the victim is retried.

use aws_sdk_rdsdata::Client;
use fleet_faults::{FaultRun, Functions, Proxy, Stores, stores};
use fleet_testing::fresh_database;
use serde_json::json;
use tokio::time::{Duration, sleep};

/// Another client of the database, within a transaction.
struct Rival {
    client: Client,
    transaction: String,
}

impl Rival {
    async fn begin(stores: &Stores) -> Self {
        let client = Client::new(&stores.config());
        let (settings, _) = stores::settings();
        let begin = client
            .begin_transaction()
            .resource_arn(settings.cluster_arn)
            .secret_arn(settings.secret);
        let transaction = begin
            .database(settings.database)
            .send()
            .await
            .unwrap()
            .transaction_id
            .unwrap();
        Self {
            client,
            transaction,
        }
    }

    async fn run(&self, sql: &str) {
        let (settings, _) = stores::settings();
        let call = self
            .client
            .execute_statement()
            .resource_arn(settings.cluster_arn)
            .secret_arn(settings.secret);
        call.database(settings.database)
            .transaction_id(&self.transaction)
            .sql(sql)
            .send()
            .await
            .unwrap();
    }

    async fn roll_back(self) {
        let (settings, _) = stores::settings();
        let call = self
            .client
            .rollback_transaction()
            .resource_arn(settings.cluster_arn)
            .secret_arn(settings.secret);
        call.transaction_id(self.transaction).send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_that_is_the_victim_of_a_deadlock_is_done_again() {
    let run = FaultRun::of("a deadlock");
    if fresh_database().is_none() {
        run.not_run("the embedded engine has one writer at a time; FLEET_TEST_DATABASE_URL names a database");
        return;
    }
    let stores = Stores::start().await;
    let proxy = Proxy::start(stores.address()).await;
    let functions = Functions::demo(&stores::config(&proxy.endpoint_url()));

    // The rival has done more than the add, so the add becomes the victim. The rival locks the gap for the add's
    // packages.
    let rival = Rival::begin(&stores).await;
    let rows: Vec<String> = (0..200)
        .map(|row| format!("('rival-{row}', 'r', 'a', UTC_TIMESTAMP(), '')"))
        .collect();
    rival
        .run(&format!("INSERT INTO ec2 VALUES {}", rows.join(", ")))
        .await;
    rival
        .run("SELECT * FROM ec2_package WHERE aws_instance_id = 'i-1' FOR UPDATE")
        .await;

    let add = tokio::spawn(async move {
        let body = json!({"aws_region": "r", "aws_account": "a", "packages": [{"package_name": "p", "package_version": "1"}]});
        functions.instance("POST", "i-1", Some(&body)).await
    });
    // Until the packages wait for that lock.
    while proxy.counts().0 < 3 {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_millis(500)).await;
    assert!(!add.is_finished());
    // Now each waits for the other.
    rival
        .run("SELECT * FROM ec2 WHERE aws_instance_id = 'i-1' FOR UPDATE")
        .await;
    rival.roll_back().await;

    let added = add.await.unwrap();
    assert_eq!(added.status, 200, "{}", added.text);
    let calls = proxy.counts().0;
    assert!(calls > 4, "{calls} calls: nothing was done again");
    let stored = (
        stores.count("SELECT COUNT(*) FROM ec2").await,
        stores.count("SELECT COUNT(*) FROM ec2_package").await,
    );
    assert_eq!(stored, (1, 1));
    run.report(format_args!(
        "the add was its victim, and done again: {calls} calls"
    ));
    stores.stop().await;
}
