//! Concurrent clients.

use std::{collections::HashMap, sync::Arc};

use fleet_core::settings::ScalingMode;
use fleet_faults::{FaultRun, Functions, Stores};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Duration, sleep},
};

fn package(name: &str, version: &str) -> Value {
    json!({"package_name": name, "package_version": version})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_add_the_same_ids_one_wins_each() {
    let run = FaultRun::of("adders");
    let (adders, ids) = (run.count(10, 50), run.count(10, 100));
    let stores = Stores::start().await;
    let mut tasks = JoinSet::new();
    for adder in 0..adders {
        // Each with a separate SDK client, like that many instances of the function.
        let (functions, mut rng) = (Functions::demo(&stores.config()), run.rng(adder));
        let mut order: Vec<usize> = (0..ids).collect();
        rng.shuffle(&mut order);
        tasks.spawn(async move {
            let mut won = Vec::new();
            for id in order {
                let packages = [package("shared", "1"), package("own", &adder.to_string())];
                let body = json!({"aws_region": adder.to_string(), "aws_account": "a", "packages": packages});
                let answer = functions.instance("POST", &format!("i-{id}"), Some(&body)).await;
                match answer.status {
                    200 => won.push((id, adder)),
                    _ => assert!(answer.status == 400 && answer.text.contains("Duplicate entry"), "{answer:?}"),
                }
            }
            won
        });
    }
    let wins: Vec<(usize, usize)> = tasks.join_all().await.into_iter().flatten().collect();
    let winners: HashMap<usize, usize> = wins.iter().copied().collect();
    assert_eq!((wins.len(), winners.len()), (ids, ids));
    let functions = Functions::demo(&stores.config());
    for (id, adder) in winners {
        let record = functions
            .instance("GET", &format!("i-{id}"), None)
            .await
            .body;
        assert_eq!(record["record"]["aws_region"], adder.to_string());
        assert_eq!(
            record["record"]["packages"],
            json!([package("own", &adder.to_string()), package("shared", "1")])
        );
    }
    run.report(format_args!("{adders} × {ids} ids, one winner each"));
    stores.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adds_that_share_packages_all_succeed() {
    let run = FaultRun::of("shared packages");
    let (adds, mut rng) = (run.count(60, 400), run.rng(0));
    let stores = Stores::start().await;
    // As many instances of the function as Lambda would run in parallel before it starts more.
    let functions: Vec<Functions> = (0..20).map(|_| Functions::demo(&stores.config())).collect();
    let requests = (0..adds).map(|number| {
        let mut packages: Vec<Value> = (0..20)
            .map(|package| self::package(&format!("shared-{package}"), "1"))
            .collect();
        rng.shuffle(&mut packages);
        let functions = functions[number % functions.len()].clone();
        let body = json!({"aws_region": "r", "aws_account": "a", "packages": packages});
        tokio::spawn(async move {
            functions
                .instance("POST", &format!("i-{number}"), Some(&body))
                .await
        })
    });
    for answer in join_all(requests.collect::<Vec<_>>()).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let stored = (
        stores.count("SELECT COUNT(*) FROM ec2").await,
        stores.count("SELECT COUNT(*) FROM ec2_package").await,
    );
    assert_eq!(stored, (adds as i64, adds as i64 * 20));
    run.report(format_args!("{adds} adds at once, 0 failures"));
    stores.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_different_fields_lose_nothing_of_each_other() {
    let run = FaultRun::of("patches of fields");
    let (writers, rounds) = (run.count(60, 200), run.count(2, 100));
    let mut sent_again = 0;
    for round in 0..rounds {
        // In memory a store reads all records of its stream for each write: a new store has none.
        let stores = Stores::start().await;
        let functions: Arc<Vec<Functions>> = Arc::new(
            (0..10)
                .map(|_| Functions::of(&stores.clients_in_process(), ScalingMode::Production))
                .collect(),
        );
        let (id, mut rng) = (format!("d-{round}"), run.rng(round));
        // Each field has its own writers: even numbers are actual capacities, odd ones desired.
        let mut bodies: Vec<Value> = (0..writers)
            .map(|number| match number % 2 {
                0 => json!({ "actualCapacity": number as f64 }),
                _ => json!({ "desiredCapacity": number as f64 }),
            })
            .collect();
        rng.shuffle(&mut bodies);
        let tasks = bodies.into_iter().enumerate().map(|(number, body)| {
            let (functions, id) = (Arc::clone(&functions), id.clone());
            tokio::spawn(async move {
                let functions = &functions[number % functions.len()];
                let (mut answer, mut waited) =
                    (functions.dimension("PATCH", &id, Some(&body)).await, 0);
                // On a slow machine a request may time out before its turn comes: its client then retries.
                while answer.status == 503 && waited < 50 {
                    waited += 1;
                    sleep(Duration::from_secs(
                        answer.header("retry-after").parse().unwrap(),
                    ))
                    .await;
                    answer = functions.dimension("PATCH", &id, Some(&body)).await;
                }
                assert_eq!(answer.status, 200, "{}", answer.text);
                let (field, value) = body.as_object().unwrap().iter().next().unwrap();
                assert_eq!(
                    &answer.body[field], value,
                    "the answer holds what was asked for"
                );
                waited
            })
        });
        for task in join_all(tasks.collect::<Vec<_>>()).await {
            sent_again += task.unwrap();
        }
        let state = functions[0].dimension("GET", &id, None).await.body;
        let parity = |field: &str| state[field].as_f64().unwrap() as usize % 2;
        assert_eq!(
            (
                parity("actualCapacity"),
                parity("desiredCapacity"),
                &state["scalingStatus"]
            ),
            (0, 1, &json!("Pending")),
            "{state}"
        );
        // Every write that changed something counted once, so none was overwritten unnoticed.
        let revision = stores.revision(&id).await;
        assert!(revision + 1 >= writers as u64, "{revision}");
        stores.stop().await;
    }
    run.report(format_args!(
        "{writers} at once × {rounds}, no field lost; answered 503 and sent again: {sent_again}"
    ));
}
