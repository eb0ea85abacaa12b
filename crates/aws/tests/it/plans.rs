//! How the database runs the list's statements: along an index from the start of the page, without scanning or sorting
//! a table. On SQLite here, on MariaDB in `.ci/mariadb`.

use std::sync::{Arc, Mutex};

use aws_sdk_rdsdata::types::{Field, SqlParameter};
use fleet_aws::DataApiInventory;
use fleet_core::inventory::{
    BrowseInstances, InstanceFilter, InstanceId, InstanceSearch, ListInstances, PageLimit,
};
use serde_json::{Value, json};

use crate::{
    canned::{CannedReply, config},
    local::{Local, settings},
    paging::{INSTANCES, fill, filters},
};

/// A statement as sent, with its parameters.
struct SentStatement {
    what: String,
    sql: String,
    parameters: Vec<(String, String)>,
}

/// The statements of every list, from the first page and from the middle, and of a word search.
async fn statements() -> Vec<SentStatement> {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let config = config(move |request| {
        seen.lock().unwrap().push(request.body);
        CannedReply::ok(&json!({ "records": [] }))
    });
    let inventory = DataApiInventory::new(&config, settings());
    let mut statements = Vec::new();
    let mut keep = |what: String| {
        let parameter = |one: &Value| {
            let (name, value) = (&one["name"], &one["value"]["stringValue"]);
            (
                name.as_str().unwrap().to_owned(),
                value.as_str().unwrap().to_owned(),
            )
        };
        let sent = |body: Value| SentStatement {
            what: what.clone(),
            sql: body["sql"].as_str().unwrap().to_owned(),
            parameters: body["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(parameter)
                .collect(),
        };
        statements.extend(bodies.lock().unwrap().drain(..).map(sent));
    };
    let middle = InstanceId::parse("i-5000").unwrap();
    for after in [None, Some(&middle)] {
        for filter in filters() {
            inventory
                .list(&filter, after, PageLimit::default())
                .await
                .unwrap();
            keep(format!("{filter:?} after {after:?}"));
        }
        let search = InstanceSearch::new(InstanceFilter::default(), "agent");
        inventory
            .find(&search, after, PageLimit::default())
            .await
            .unwrap();
        keep(format!("a word after {after:?}"));
    }
    statements
}

/// The statement for SQLite, which does not support hints of this form.
fn without_hints(sql: &str) -> String {
    let mut parts = sql.split(" FORCE INDEX (");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').unwrap().1)
}

#[tokio::test]
async fn sqlite_reads_pages_along_an_index() {
    let folder = tempfile::tempdir().unwrap();
    if fleet_testing::fresh_database().is_some() {
        // `mariadb_reads_pages_along_an_index` covers this.
        return;
    }
    Local::start_in(folder.path()).await.aws.stop().await;
    let database = rusqlite::Connection::open(folder.path().join("rds.sqlite")).unwrap();
    // The embedded engine's collations: which of them a column has decides whether an index is usable, whatever their
    // order.
    for collation in ["ai_ci", "padded"] {
        database.create_collation(collation, str::cmp).unwrap();
    }
    for SentStatement {
        what,
        sql,
        parameters,
    } in statements().await
    {
        let sql = format!("EXPLAIN QUERY PLAN {}", without_hints(&sql));
        let mut statement = database.prepare(&sql).unwrap();
        for (name, value) in &parameters {
            let index = statement
                .parameter_index(&format!(":{name}"))
                .unwrap()
                .unwrap();
            statement.raw_bind_parameter(index, value).unwrap();
        }
        let mut plan = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get::<_, String>("detail").unwrap());
        }
        let windows = sql.matches(") w WHERE").count();
        for step in &plan {
            // A window and the ids in it are small; every table is accessed by a key.
            let scanned = step.strip_prefix("SCAN ");
            let derived = scanned.is_none_or(|name| {
                ["w", "e", "n", "i", "CONSTANT"].contains(&name.split(' ').next().unwrap())
            });
            assert!(derived && !step.contains("AUTOMATIC"), "{what}: {plan:#?}");
            assert!(!step.starts_with("SCAN e USING"), "{what}: {plan:#?}");
        }
        // The instances of a package's entries are looked up one by one.
        let joins = sql.matches(") n CROSS JOIN").count();
        let found = plan
            .iter()
            .filter(|step| step.starts_with("SEARCH e USING PRIMARY KEY (aws_instance_id=?)"));
        assert!(found.count() >= joins, "{what}: {plan:#?}");
        // At most the rows of each window are sorted, and none without a window.
        let sorts = plan
            .iter()
            .filter(|step| step.contains("FOR ORDER BY"))
            .count();
        assert!(sorts <= windows, "{what}: {plan:#?}");
        let searches = |index: &str| plan.iter().filter(|step| step.contains(index)).count();
        let filtered = |filter: &str| parameters.iter().any(|(name, _)| name == filter);
        let index = match (filtered("region"), filtered("account")) {
            (true, true) => {
                "ec2_by_region_and_account (aws_region=? AND aws_account=? AND aws_instance_id>?)"
            }
            (true, false) => "ec2_by_region (aws_region=? AND aws_instance_id>?)",
            (false, true) => "ec2_by_account (aws_account=? AND aws_instance_id>?)",
            (false, false) => "",
        };
        assert!(searches(index) > 0, "{what}: {plan:#?}");
        if filtered("package_version") {
            let index = "(package_name=? AND package_version=? AND aws_instance_id>?)";
            assert!(searches(index) > 0, "{what}: {plan:#?}");
        }
    }
}

#[tokio::test]
async fn mariadb_reads_pages_along_an_index() {
    let local = Local::start().await;
    if fleet_testing::fresh_database().is_none() {
        // `sqlite_reads_pages_along_an_index` covers this.
        return local.aws.stop().await;
    }
    let client = fill(&local.aws).await;
    let known = settings();
    let run = |sql: String, parameters: Vec<SqlParameter>| {
        let call = client
            .execute_statement()
            .resource_arn(&known.cluster_arn)
            .secret_arn(&known.secret)
            .database(&known.database)
            .sql(sql)
            .set_parameters((!parameters.is_empty()).then_some(parameters));
        async move { call.send().await.unwrap().records.unwrap_or_default() }
    };
    run("ANALYZE TABLE ec2, ec2_package".to_owned(), Vec::new()).await;
    for SentStatement {
        what,
        sql,
        parameters,
    } in statements().await
    {
        let parameter = |(name, value): &(String, String)| {
            SqlParameter::builder()
                .name(name)
                .value(Field::StringValue(value.clone()))
                .build()
        };
        let parameters = parameters.iter().map(parameter).collect();
        let rows = run(format!("EXPLAIN {sql}"), parameters).await;
        let plan: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(shown).collect())
            .collect();
        for step in &plan {
            let [_, _, table, kind, _, key, _, _, estimate, extra] = step.as_slice() else {
                panic!("{what}: {step:?}")
            };
            if table.is_empty() || table.starts_with('<') {
                continue;
            }
            // An equality on a name alone, or on one instance's packages, has no start position.
            let entered = match table.as_str() {
                "p" => ["ref", "eq_ref", "const", "range"].contains(&kind.as_str()),
                "e" | "ec2" => ["range", "eq_ref", "const"].contains(&kind.as_str()),
                _ => kind == "range" || (kind == "ref" && !sql.contains("package_version = :")),
            };
            assert!(entered && !key.is_empty(), "{what}: {plan:#?}");
            assert!(!extra.contains("filesort"), "{what}: {plan:#?}");
            assert!(
                estimate.parse::<usize>().unwrap() <= 3 * INSTANCES,
                "{what}: {plan:#?}"
            );
        }
    }
    local.aws.stop().await;
}

fn shown(field: &Field) -> String {
    match field {
        Field::StringValue(text) => text.clone(),
        Field::LongValue(number) => number.to_string(),
        _ => String::new(),
    }
}
