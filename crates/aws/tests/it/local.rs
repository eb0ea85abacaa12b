//! The adapters end to end on the local AWS endpoints: real HTTP, real SQL, real conditional writes. `.ci/mariadb` runs
//! them on MariaDB too.

use std::{convert::Infallible, path::Path, sync::Arc};

use fleet_aws::{
    DataApiInventory, DimensionsSettings, DynamoDimensions, InventorySettings, SecretProbe,
};
use fleet_core::{
    calls::count_calls,
    inventory::{
        AccountId, AddError, AddInstance, CreationDate, GetInstance, InstanceFilter, InstanceId,
        ListInstances, NewInstance, Package, PackageFilter, PackageName, PackageVersion, Packages,
        PageLimit, Region, RemoveInstance,
    },
    readiness::Probe,
    scaling::{
        Capacity, Dimension, DimensionId, FailureReason, ListDimensions, ReadDimension,
        ScalingStatus, StoredDimension, UpdateDimension,
    },
    store::StoreError,
};
use fleet_local_aws::{
    Engine, LocalAws, LocalAwsOptions, Migration, Schema, SecretOption, Storage, TableOption,
    Timeouts,
};
use tokio::task::JoinSet;

use crate::{canned::test_config, fake_data_api::widest};

/// The adapters, and the endpoints beneath them.
pub(crate) struct Local {
    pub(crate) aws: LocalAws,
    pub(crate) inventory: DataApiInventory,
    dimensions: DynamoDimensions,
    secret: SecretProbe,
}

pub(crate) fn settings() -> InventorySettings {
    InventorySettings {
        cluster_arn: "arn:aws:rds:us-east-1:000000000000:cluster:fleet".into(),
        secret: "fleet-db".into(),
        database: "ec2_inventory_db".into(),
    }
}

impl Local {
    pub(crate) async fn start() -> Self {
        Self::start_with(settings(), "fleet-dimensions").await
    }

    /// The endpoints always have the same database, secret and table; the adapters look for the given ones.
    async fn start_with(settings: InventorySettings, table: &str) -> Self {
        Self::start_on(Storage::InMemory, Schema::fleet(), settings, table).await
    }

    /// Starts with the data in a folder.
    pub(crate) async fn start_in(folder: &Path) -> Self {
        let storage = Storage::Folder(folder.to_owned());
        Self::start_on(storage, Schema::fleet(), settings(), "fleet-dimensions").await
    }

    async fn start_with_schema(schema: Schema, settings: InventorySettings, table: &str) -> Self {
        Self::start_on(Storage::InMemory, schema, settings, table).await
    }

    async fn start_on(
        storage: Storage,
        schema: Schema,
        settings: InventorySettings,
        table: &str,
    ) -> Self {
        let known = self::settings();
        let aws = LocalAws::start(LocalAwsOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            storage,
            engine: fleet_testing::fresh_database().map_or(Engine::Embedded, Engine::MySql),
            region: "us-east-1".into(),
            account: "000000000000".into(),
            cluster_arn: known.cluster_arn,
            database: known.database,
            secret: SecretOption {
                name: known.secret,
                username: "fleet".into(),
                password: "fleet".into(),
            },
            limited: None,
            schema,
            tables: vec![TableOption {
                name: "fleet-dimensions".into(),
                partition_key: "scalableTargetDimensionId".into(),
            }],
            timeouts: Timeouts::default(),
            api_url: None,
            pace: fleet_local_aws::ScalingPace::default(),
        })
        .await
        .unwrap();
        let config = test_config(&aws.endpoint_url()).build();
        Self {
            inventory: DataApiInventory::new(&config, settings.clone()),
            dimensions: DynamoDimensions::new(
                &config,
                DimensionsSettings {
                    table: table.into(),
                },
            ),
            secret: SecretProbe::new(&config, &settings),
            aws,
        }
    }
}

fn id(text: &str) -> InstanceId {
    InstanceId::parse(text).unwrap()
}

fn packages(names: &[(&str, &str)]) -> Packages {
    let package = |(name, version): &(&str, &str)| Package {
        name: PackageName::parse(*name).unwrap(),
        version: PackageVersion::parse(*version).unwrap(),
    };
    Packages::new(names.iter().map(package).collect()).unwrap()
}

pub(crate) fn instance(
    id: &str,
    region: &str,
    account: &str,
    names: &[(&str, &str)],
) -> NewInstance {
    NewInstance {
        id: self::id(id),
        region: Region::parse(region).unwrap(),
        account: AccountId::parse(account).unwrap(),
        packages: packages(names),
    }
}

#[tokio::test]
async fn an_instance_is_added_read_and_removed() {
    let local = Local::start().await;
    let new = instance(
        "i-Ä/𝕏 ?#'\"\\",
        "us-east-1",
        "123456789012",
        &[("b", "1"), ("a", "2"), ("B", "1"), ("a", "10")],
    );
    let (added, calls) = count_calls(local.inventory.add(&new)).await;
    added.unwrap();
    assert_eq!(calls, 4);
    let (found, calls) = count_calls(local.inventory.get(&new.id)).await;
    let found = found.unwrap().unwrap();
    assert_eq!(calls, 1);
    assert_eq!(
        (
            &found.summary.id,
            &found.summary.region,
            &found.summary.account
        ),
        (&new.id, &new.region, &new.account)
    );
    assert_eq!(
        found.packages,
        packages(&[("B", "1"), ("a", "10"), ("a", "2"), ("b", "1")])
    );
    for there in [true, false] {
        let (removed, calls) = count_calls(local.inventory.remove(&new.id)).await;
        assert_eq!((removed.unwrap(), calls), (there, 3));
    }
    assert_eq!(local.inventory.get(&new.id).await.unwrap(), None);
    // Its packages went with it, otherwise these would be in the way.
    local.inventory.add(&new).await.unwrap();
    local.inventory.remove(&new.id).await.unwrap();
    // An import sets the creation date.
    let mut old = found;
    old.summary.created = CreationDate::parse("2019-03-06 02:45:32").unwrap();
    local.inventory.restore(&old).await.unwrap();
    assert_eq!(local.inventory.get(&new.id).await.unwrap(), Some(old));
    local.aws.stop().await;
}

#[tokio::test]
async fn an_instance_without_packages_is_one_transaction_and_reads_back_without_any() {
    let local = Local::start().await;
    let new = instance("i-1", "r", "1", &[]);
    let (added, calls) = count_calls(local.inventory.add(&new)).await;
    added.unwrap();
    assert_eq!(calls, 3);
    assert_eq!(
        local
            .inventory
            .get(&new.id)
            .await
            .unwrap()
            .unwrap()
            .packages,
        Packages::default()
    );
    local.aws.stop().await;
}

#[tokio::test]
async fn a_duplicate_leaves_the_stored_instance_as_it_was() {
    let local = Local::start().await;
    local
        .inventory
        .add(&instance("i-1", "r", "1", &[("p", "1")]))
        .await
        .unwrap();
    let before = local.inventory.get(&id("i-1")).await.unwrap();
    for packages in [&[][..], &[("q", "2")]] {
        let again = local
            .inventory
            .add(&instance("i-1", "s", "2", packages))
            .await;
        assert!(matches!(again, Err(AddError::Duplicate)), "{again:?}");
    }
    assert_eq!(local.inventory.get(&id("i-1")).await.unwrap(), before);
    local
        .inventory
        .add(&instance("I-1", "s", "2", &[("q", "2")]))
        .await
        .unwrap();
    assert_eq!(local.inventory.get(&id("i-1")).await.unwrap(), before);
    local.aws.stop().await;
}

#[tokio::test]
async fn the_widest_instance_comes_back_whole() {
    let local = Local::start().await;
    let new = widest();
    local.inventory.add(&new).await.unwrap();
    let found = local.inventory.get(&new.id).await.unwrap().unwrap();
    let mut sent = new.packages.as_slice().to_vec();
    sent.sort();
    assert!(found.packages.as_slice() == sent);
    assert!(local.inventory.remove(&new.id).await.unwrap());
    local.aws.stop().await;
}

#[tokio::test]
async fn records_around_the_length_of_a_page_come_back_whole() {
    let local = Local::start().await;
    for count in [999, 1_000, 1_001, 2_000] {
        let names: Vec<(String, String)> = (0..count)
            .map(|n| (format!("p{}", n / 7), format!("{n}")))
            .collect();
        let names: Vec<(&str, &str)> = names
            .iter()
            .map(|(name, version)| (name.as_str(), version.as_str()))
            .collect();
        let new = instance(&format!("i-{count}"), "r", "1", &names);
        local.inventory.add(&new).await.unwrap();
        let (found, calls) = count_calls(local.inventory.get(&new.id)).await;
        let mut sent = new.packages.as_slice().to_vec();
        sent.sort();
        assert!(
            found.unwrap().unwrap().packages.as_slice() == sent,
            "{count}"
        );
        assert_eq!(calls == 1, count < 1_000, "{count}: {calls}");
    }
    local.aws.stop().await;
}

#[tokio::test]
async fn one_of_many_adders_of_an_instance_wins() {
    let local = Local::start().await;
    let mut adders = JoinSet::new();
    for n in 0..32 {
        let inventory = local.inventory.clone();
        adders.spawn(async move {
            let version = n.to_string();
            let names = [("p", version.as_str()), ("q", "1")];
            let new = instance("i-1", "r", &version, if n % 2 == 0 { &names } else { &[] });
            (new.clone(), inventory.add(&new).await)
        });
    }
    let mut winners = Vec::new();
    while let Some(ended) = adders.join_next().await {
        match ended.unwrap() {
            (new, Ok(())) => winners.push(new),
            (_, Err(AddError::Duplicate)) => {}
            (_, Err(error)) => panic!("{error:?}"),
        }
    }
    let found = local.inventory.get(&id("i-1")).await.unwrap().unwrap();
    assert_eq!(winners.len(), 1);
    assert_eq!(
        (&found.summary.account, &found.packages),
        (&winners[0].account, &winners[0].packages)
    );
    local.aws.stop().await;
}

#[tokio::test]
async fn a_list_is_filtered_ordered_and_paged() {
    let local = Local::start().await;
    for n in 0..23_u32 {
        let version = (n % 3).to_string();
        let names = [("p", version.as_str()), ("q", "1")];
        let new = instance(
            &format!("i-{n:02}"),
            if n % 2 == 0 { "even" } else { "odd" },
            if n < 10 { "low" } else { "high" },
            if n % 5 == 0 { &[] } else { &names },
        );
        local.inventory.add(&new).await.unwrap();
    }
    let package = |name: &str, version: Option<&str>| {
        Some(PackageFilter {
            name: PackageName::parse(name).unwrap(),
            version: version.map(|version| PackageVersion::parse(version).unwrap()),
        })
    };
    type Kept = fn(u32) -> bool;
    let filters: [(InstanceFilter, Kept); 7] = [
        (InstanceFilter::default(), |_| true),
        (
            InstanceFilter {
                region: Region::parse("even").ok(),
                ..InstanceFilter::default()
            },
            |n| n % 2 == 0,
        ),
        (
            InstanceFilter {
                account: AccountId::parse("low").ok(),
                ..InstanceFilter::default()
            },
            |n| n < 10,
        ),
        (
            InstanceFilter {
                package: package("q", None),
                ..InstanceFilter::default()
            },
            |n| n % 5 != 0,
        ),
        (
            InstanceFilter {
                package: package("p", Some("2")),
                ..InstanceFilter::default()
            },
            |n| n % 5 != 0 && n % 3 == 2,
        ),
        (
            InstanceFilter {
                region: Region::parse("odd").ok(),
                account: AccountId::parse("high").ok(),
                package: package("p", Some("1")),
            },
            |n| n % 2 == 1 && n >= 10 && n % 5 != 0 && n % 3 == 1,
        ),
        (
            InstanceFilter {
                region: Region::parse("EVEN").ok(),
                ..InstanceFilter::default()
            },
            |_| false,
        ),
    ];
    for (filter, kept) in filters {
        let expected: Vec<String> = (0..23)
            .filter(|n| kept(*n))
            .map(|n| format!("i-{n:02}"))
            .collect();
        for limit in ["1", "4", "23", "100"] {
            let limit = PageLimit::parse(limit).unwrap();
            let (mut listed, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = local
                    .inventory
                    .list(&filter, after.as_ref(), limit)
                    .await
                    .unwrap();
                assert!(page.records.len() <= limit.get());
                listed.extend(
                    page.records
                        .into_iter()
                        .map(|record| String::from(record.id)),
                );
                pages += 1;
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert_eq!(listed, expected, "{filter:?}");
            assert_eq!(
                pages,
                expected.len().div_ceil(limit.get()).max(1),
                "{filter:?}"
            );
        }
    }
    local.aws.stop().await;
}

#[tokio::test]
async fn concurrent_updates_of_a_dimension_lose_nothing() {
    let local = Local::start().await;
    let dimension = Arc::new(DimensionId::parse("1-23456789").unwrap());
    // Clones queue for each other within a process; these four are independent, like four processes.
    let config = test_config(&local.aws.endpoint_url()).build();
    let settings = || DimensionsSettings {
        table: "fleet-dimensions".into(),
    };
    let processes: Vec<_> = (0..4)
        .map(|_| DynamoDimensions::new(&config, settings()))
        .collect();
    let mut writers = JoinSet::new();
    for dimensions in processes.iter().cycle().take(400) {
        let (dimensions, dimension) = (dimensions.clone(), Arc::clone(&dimension));
        writers.spawn(async move {
            let raise = |stored: &StoredDimension| {
                Ok::<_, Infallible>(Dimension {
                    desired: Capacity::new(stored.state.desired.get() + 1.0).unwrap(),
                    ..stored.state.clone()
                })
            };
            dimensions.update(&dimension, raise).await.unwrap()
        });
    }
    let mut reached: Vec<f64> = writers
        .join_all()
        .await
        .iter()
        .map(|change| change.after.desired.get())
        .collect();
    reached.sort_by(f64::total_cmp);
    assert_eq!(reached, (2..=401).map(f64::from).collect::<Vec<_>>());
    assert_eq!(
        local
            .dimensions
            .read(&dimension)
            .await
            .unwrap()
            .state
            .desired
            .get(),
        401.0
    );
    local.aws.stop().await;
}

#[tokio::test]
async fn a_dimension_keeps_its_state_and_costs_the_calls_that_are_promised() {
    let local = Local::start().await;
    let dimension = DimensionId::parse("измерение ?#..").unwrap();
    let state = Dimension {
        actual: Capacity::new(0.1 + 0.2).unwrap(),
        desired: Capacity::new(f64::MAX).unwrap(),
        status: ScalingStatus::Failed(FailureReason::parse("no capacity left").ok()),
    };
    let (read, calls) = count_calls(local.dimensions.read(&dimension)).await;
    assert_eq!((read.unwrap(), calls), (StoredDimension::initial(), 1));
    for expected in [2, 1] {
        let (change, calls) = count_calls(
            local
                .dimensions
                .update(&dimension, |_| Ok::<_, Infallible>(state.clone())),
        )
        .await;
        assert_eq!((change.unwrap().after, calls), (state.clone(), expected));
    }
    let read = local.dimensions.read(&dimension).await.unwrap();
    assert_eq!(read.state, state);
    let other = DimensionId::parse("another").unwrap();
    assert_eq!(
        local.dimensions.read(&other).await.unwrap(),
        StoredDimension::initial()
    );
    let (page, calls) = count_calls(local.dimensions.list(None, None, PageLimit::default())).await;
    assert_eq!(
        (page.unwrap().dimensions, calls),
        (vec![(dimension, read)], 1)
    );
    local.aws.stop().await;
}

#[tokio::test]
async fn every_store_is_ready() {
    let local = Local::start().await;
    local.inventory.probe().await.unwrap();
    local.dimensions.probe().await.unwrap();
    local.secret.probe().await.unwrap();
    local.aws.stop().await;
}

#[tokio::test]
async fn tables_that_are_missing_or_of_another_layout_are_not_ready() {
    let with = |change: fn(&mut Vec<Migration>)| {
        let mut schema = Schema {
            layout: None,
            ..Schema::fleet()
        };
        change(&mut schema.migrations);
        assert_ne!(schema.migrations, Schema::fleet().migrations);
        schema
    };
    let schemas = [
        (with(Vec::clear), "a table or column is missing"),
        (
            with(|migrations| migrations.truncate(1)),
            "a table or column is missing",
        ),
        (
            with(|migrations| {
                migrations[0].sql = migrations[0].sql.replace("add_token ", "token ");
            }),
            "a table or column is missing",
        ),
        (
            with(|migrations| {
                // This stands in for an older schema with the same tables.
                migrations[1].version = 1;
                migrations[0].version = 0;
                migrations.truncate(2);
            }),
            "the database schema is version 1, and version 2 or later is required: run deploy_scripts/create_schema.sh",
        ),
        (
            with(|migrations| {
                migrations.push(Migration {
                    version: 99,
                    name: "drop".into(),
                    sql: "-- contract: 99\nCREATE INDEX later ON ec2 (add_token);".into(),
                });
            }),
            "the database schema is version 99, which requires functions that know version 99 or later, and these know only 3: deploy newer ones",
        ),
    ];
    for (schema, why) in schemas {
        let local = Local::start_with_schema(schema, settings(), "fleet-dimensions").await;
        let Err(StoreError::Schema { source, .. }) = local.inventory.probe().await else {
            panic!("{why}")
        };
        assert!(source.to_string().starts_with(why), "{source}");
        local.aws.stop().await;
    }
    // A request logs the same cause.
    let local = Local::start_with_schema(with(Vec::clear), settings(), "fleet-dimensions").await;
    assert!(matches!(
        local.inventory.get(&id("i-1")).await,
        Err(StoreError::Schema { .. })
    ));
    local.aws.stop().await;
}

#[test]
fn the_known_schema_is_the_one_of_ddl() {
    assert_eq!(fleet_aws::schema::KNOWN, Schema::fleet().newest());
}

#[tokio::test]
async fn a_store_that_is_not_there_is_a_fault() {
    let wrong = InventorySettings {
        secret: "another-secret".into(),
        database: "another_database".into(),
        ..settings()
    };
    let local = Local::start_with(wrong.clone(), "another-table").await;
    let inventory = DataApiInventory::new(
        &test_config(&local.aws.endpoint_url()).build(),
        InventorySettings {
            secret: settings().secret,
            ..wrong
        },
    );
    for probed in [
        inventory.probe().await,
        local.dimensions.probe().await,
        local.secret.probe().await,
    ] {
        assert!(
            matches!(probed, Err(StoreError::Fault { .. })),
            "{probed:?}"
        );
    }
    // The service cannot distinguish a missing secret from one that it temporarily cannot read.
    assert!(matches!(
        local.inventory.probe().await,
        Err(StoreError::Unavailable { .. })
    ));
    local.aws.stop().await;
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable() {
    let Local {
        aws,
        inventory,
        dimensions,
        secret,
    } = Local::start().await;
    aws.stop().await;
    let probes = tokio::join!(inventory.probe(), dimensions.probe(), secret.probe());
    for probed in [probes.0, probes.1, probes.2] {
        assert!(
            matches!(probed, Err(StoreError::Unavailable { .. })),
            "{probed:?}"
        );
    }
}
