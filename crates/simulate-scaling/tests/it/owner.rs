//! The example owner on the real server in production mode: orders are carried out, whatever is killed.

use std::{fs, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::modes::{self, ExampleServer};

/// Far longer than anything here takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts a copy of the owner, which signs its requests. It is killed when this is dropped; its workers are not.
fn owner(api: &ExampleServer, folder: &Path) -> Child {
    Command::new(modes::example("owner"))
        .args(["run", &format!("{}/scalableTargetDimensions", api.base)])
        .arg(folder)
        .arg("us-east-1")
        .env_clear()
        .env("EVENTS_URL", format!("{}/_events", api.base))
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn order(url: &str, desired: f64) {
    let sent = reqwest::Client::new()
        .patch(url)
        .body(json!({ "desiredCapacity": desired }).to_string())
        .send();
    assert_eq!(sent.await.unwrap().status(), 200);
}

/// Waits until the dimension meets `done`.
async fn until(url: &str, done: impl Fn(&Value) -> bool) -> Value {
    let seen = async {
        loop {
            let text = reqwest::get(url).await.unwrap().text().await.unwrap();
            let state: Value = serde_json::from_str(&text).unwrap();
            if done(&state) {
                return state;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, seen).await.unwrap()
}

async fn until_reached(url: &str, capacity: f64) {
    until(url, |state| {
        state["actualCapacity"] == capacity && state["scalingStatus"] == "Successful"
    })
    .await;
}

fn alive(folder: &Path) -> usize {
    let locks = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    locks
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("worker-"))
        .filter(|entry| fs::File::open(entry.path()).unwrap().try_lock().is_err())
        .count()
}

/// Ends the workers, however the test ends.
struct Cleaner<'a>(&'a Path);

impl Drop for Cleaner<'_> {
    fn drop(&mut self) {
        // Removing the folder would end them as well.
        let _ = fs::write(self.0.join("wanted"), "0");
    }
}

#[tokio::test]
async fn the_owner_carries_out_every_order_although_it_is_killed_and_copied() {
    let api = modes::start(&[("SCALING_MODE", "production")]).await;
    let folder = tempfile::tempdir().unwrap();
    let (workers, id) = (folder.path().join("a%20fleet"), "a%20fleet");
    let url = format!("{}/scalableTargetDimensions/{id}", api.base);
    let _cleaner = Cleaner(&workers);
    fs::create_dir_all(workers.join("queue")).unwrap();
    for job in 0..30 {
        fs::write(workers.join(format!("queue/{job}")), "").unwrap();
    }

    let mut first = owner(&api, folder.path());
    order(&url, 3.0).await;
    until_reached(&url, 3.0).await;
    assert_eq!(alive(&workers), 3);
    let drained = async {
        while fs::read_dir(workers.join("queue"))
            .unwrap()
            .next()
            .is_some()
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, drained).await.unwrap();

    // Killed while it is working: its workers stay, and another copy takes over.
    order(&url, 5.0).await;
    until(&url, |state| state["scalingStatus"] != "Pending").await;
    first.kill().await.unwrap();
    let copies = [owner(&api, folder.path()), owner(&api, folder.path())];
    until_reached(&url, 5.0).await;
    assert_eq!(alive(&workers), 5);

    // Overlapping orders: the last one wins in the end.
    for desired in [2.0, 6.0, 1.0, 4.0] {
        order(&url, desired).await;
        sleep(Duration::from_millis(300)).await;
    }
    until_reached(&url, 4.0).await;
    assert_eq!(alive(&workers), 4);

    order(&url, 2.5).await;
    let failed = until(&url, |state| state["scalingStatus"] == "Failed").await;
    assert_eq!(
        (&failed["actualCapacity"], &failed["failureReason"]),
        (
            &json!(4.0),
            &json!("There cannot be 2.5 workers: the number must be whole and at most 20.")
        )
    );
    order(&url, 0.0).await;
    until_reached(&url, 0.0).await;
    assert_eq!(alive(&workers), 0);
    drop(copies);
}
