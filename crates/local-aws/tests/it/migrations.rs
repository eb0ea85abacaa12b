//! The migrations of the schema: old folders, interrupted runs, two runs at once.

use std::path::Path;

use fleet_local_aws::{
    Engine, LocalAws, LocalAwsError, LocalAwsOptions, Migration, Schema, Storage,
};

use crate::support::{ADD, Aws, instance, long, options, text};

fn fleet(storage: Storage) -> LocalAwsOptions {
    LocalAwsOptions {
        schema: Schema::fleet(),
        ..options(storage)
    }
}

fn in_folder(folder: &Path) -> LocalAwsOptions {
    fleet(Storage::Folder(folder.to_owned()))
}

/// A folder after these statements were run by a server without migrations.
async fn folder_after(statements: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut bare = in_folder(folder.path());
    bare.schema = Schema::default();
    let aws = Aws::with(bare).await;
    for sql in statements {
        aws.sql(sql, &[]).await.unwrap();
    }
    aws.local.stop().await;
    folder
}

/// What the first release of the server created at startup.
const BEFORE_MIGRATIONS: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS ec2 (
        aws_instance_id   VARCHAR(255) NOT NULL,
        aws_region        VARCHAR(30)  NOT NULL,
        aws_account       VARCHAR(13)  NOT NULL,
        creation_date_utc DATETIME     NOT NULL,
        add_token         CHAR(36)     NOT NULL,
        PRIMARY KEY (aws_instance_id),
        INDEX ec2_by_region (aws_region),
        INDEX ec2_by_account (aws_account)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    "CREATE TABLE IF NOT EXISTS ec2_package (
        aws_instance_id VARCHAR(255) NOT NULL,
        package_name    VARCHAR(100) NOT NULL,
        package_version VARCHAR(50)  NOT NULL,
        PRIMARY KEY (aws_instance_id, package_name, package_version),
        INDEX ec2_package_by_package (package_name, package_version, aws_instance_id),
        CONSTRAINT ec2_package_of_ec2 FOREIGN KEY (aws_instance_id) REFERENCES ec2 (aws_instance_id) ON DELETE CASCADE
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
];

/// The versions recorded as applied.
async fn applied(aws: &Aws) -> Vec<i64> {
    let sql = "SELECT version FROM schema_version WHERE applied_utc IS NOT NULL ORDER BY version";
    let output = aws.sql(sql, &[]).await.unwrap();
    output
        .records()
        .iter()
        .map(|row| *row[0].as_long_value().unwrap())
        .collect()
}

/// Whether the index of migration 3 exists, found by trying to create it again.
async fn has_the_index(aws: &Aws) -> bool {
    let sql = &Schema::fleet().migrations[2].sql;
    aws.refusal(sql, &[])
        .await
        .starts_with("Duplicate key name")
}

#[tokio::test]
async fn a_folder_from_before_the_migrations_is_brought_up_to_date_with_its_data() {
    let folder = folder_after(&BEFORE_MIGRATIONS).await;
    let mut bare = in_folder(folder.path());
    bare.schema = Schema::default();
    let aws = Aws::with(bare).await;
    aws.sql(ADD, &instance("i-old")).await.unwrap();
    aws.sql(
        "INSERT INTO ec2_package VALUES ('i-old', 'package-1', 'v1')",
        &[],
    )
    .await
    .unwrap();
    aws.local.stop().await;

    for _ in 0..2 {
        let aws = Aws::with(in_folder(folder.path())).await;
        assert_eq!(applied(&aws).await, [1, 2, 3]);
        assert!(has_the_index(&aws).await);
        let kept = aws
            .sql("SELECT aws_instance_id, package_name FROM ec2_package", &[])
            .await
            .unwrap();
        assert_eq!(kept.records(), [[text("i-old"), text("package-1")]]);
        assert_eq!(aws.count(None).await, 1);
        aws.local.stop().await;
    }
}

#[tokio::test]
async fn a_run_that_ended_anywhere_is_finished_by_the_next() {
    let schema = Schema::fleet();
    let bookkeeping = include_str!("../../../../ddl/schema_version.sql").to_owned();
    let mut steps = vec![bookkeeping];
    for migration in &schema.migrations {
        steps.push(format!(
            "INSERT INTO schema_version VALUES ({}, '{}', '{}', 0, 'of a run that ended', NULL)",
            migration.version,
            migration.name,
            migration.checksum()
        ));
        steps.push(migration.sql.clone());
        steps.push(format!(
            "UPDATE schema_version SET applied_utc = UTC_TIMESTAMP() WHERE version = {}",
            migration.version
        ));
    }
    for ended_after in 0..=steps.len() {
        let done: Vec<_> = steps[..ended_after].iter().map(String::as_str).collect();
        let folder = folder_after(&done).await;
        let aws = Aws::with(in_folder(folder.path())).await;
        assert_eq!(applied(&aws).await, [1, 2, 3], "ended after {ended_after}");
        assert!(has_the_index(&aws).await, "ended after {ended_after}");
        aws.add(None, "i-1").await.unwrap();
        aws.local.stop().await;
    }
}

#[tokio::test]
async fn a_migration_that_fails_is_named_and_tried_again_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut broken = in_folder(folder.path());
    broken.schema.migrations.push(Migration {
        version: 4,
        name: "broken".into(),
        sql: "CREATE INDEX broken ON ec2 (no_such_column);".into(),
    });
    let error = LocalAws::start(broken.clone()).await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with("The database schema cannot be applied (migration 4 (broken): "),
        "{said}"
    );
    broken.schema.migrations[3].sql = "CREATE INDEX broken ON ec2 (add_token);".into();
    let aws = Aws::with(broken).await;
    assert_eq!(applied(&aws).await, [1, 2, 3, 4]);
    aws.local.stop().await;
}

#[tokio::test]
async fn a_folder_of_a_later_server_is_used_unless_it_left_this_one_behind() {
    let folder = tempfile::tempdir().unwrap();
    let later = |sql: &str| {
        let mut options = in_folder(folder.path());
        options.schema.migrations.push(Migration {
            version: 4,
            name: "later".into(),
            sql: sql.into(),
        });
        options
    };
    let expanded = later("CREATE INDEX later ON ec2 (add_token);");
    Aws::with(expanded.clone()).await.local.stop().await;
    let aws = Aws::with(in_folder(folder.path())).await;
    aws.sql(
        "UPDATE schema_version SET oldest_functions = 4 WHERE version = 4",
        &[],
    )
    .await
    .unwrap();
    aws.local.stop().await;
    let error = LocalAws::start(in_folder(folder.path())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "The database's schema is version 4, which requires a server that knows version 4, but this one only knows 3: start a newer \
         server, or choose another data folder with --data-dir or another database with --database-url."
    );
    Aws::with(expanded).await.local.stop().await;
    // The same number with another text is a different migration.
    let error = LocalAws::start(later("CREATE INDEX other ON ec2 (add_token);"))
        .await
        .unwrap_err();
    assert!(matches!(error, LocalAwsError::SchemaEdited(4)), "{error}");
}

#[tokio::test]
async fn tables_of_another_layout_are_refused_by_name() {
    let other = BEFORE_MIGRATIONS[0].replace("add_token ", "token ");
    let folder = folder_after(&[&other]).await;
    let error = LocalAws::start(in_folder(folder.path())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "The database has tables with a different layout from this server's (Unknown column 'ec2.add_token' in 'field list'): \
         choose another data folder with --data-dir or another database with --database-url."
    );
}

#[tokio::test]
async fn two_servers_that_start_at_once_on_one_database_apply_each_migration_once() {
    let Ok(url) = std::env::var("FLEET_TEST_DATABASE_URL") else {
        println!("not run: FLEET_TEST_DATABASE_URL names no database");
        return;
    };
    if url == "mariadb" {
        // MariaDB's database belongs to a single server.
        return;
    }
    // Not the database of the other tests.
    let (server, _) = url.rsplit_once('/').unwrap();
    let start = |schema: Schema| {
        let mut options = fleet(Storage::InMemory);
        options.engine = Engine::MySql(format!("{server}/two_at_once"));
        options.schema = schema;
        LocalAws::start(options)
    };
    // Adds a row each time it runs: it is not a definition, so nothing would stop a second run.
    let mut schema = Schema::fleet();
    for (version, sql) in [
        (4, "CREATE TABLE IF NOT EXISTS runs (n INT NOT NULL)"),
        (5, "INSERT INTO runs SELECT SLEEP(0.5)"),
    ] {
        schema.migrations.push(Migration {
            version,
            name: "runs".into(),
            sql: sql.into(),
        });
    }
    let (one, other) = tokio::join!(start(schema.clone()), start(schema));
    let aws = Aws::of(one.unwrap());
    assert_eq!(applied(&aws).await, [1, 2, 3, 4, 5]);
    let runs = aws.sql("SELECT COUNT(*) FROM runs", &[]).await.unwrap();
    assert_eq!(long(&runs), 1);
    for table in ["ec2_package", "ec2", "runs", "schema_version"] {
        aws.sql(&format!("DROP TABLE {table}"), &[]).await.unwrap();
    }
    other.unwrap().stop().await;
    aws.local.stop().await;
}
