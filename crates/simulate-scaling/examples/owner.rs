//! An owner to copy: as many worker processes as Application Auto Scaling requests, draining a queue.
//!
//! ```text
//! owner run URL FOLDER [REGION]
//! ```
//!
//! If the environment's `EVENTS_URL` is the URL of a server's `/_events`, it learns of changes from there; otherwise it
//! polls every second.
//!
//! `URL` ends with `/scalableTargetDimensions`; with a region each request is signed, with the credentials of AWS's
//! standard environment. A dimension's queue is the folder `FOLDER/ID/queue`, with a file for each job.
//!
//! It may be killed at any moment, and any number of copies may run on one folder: the work to do is recorded in the
//! endpoint, the work in progress in locks that end with their processes, and a report is only made while its order is
//! current.

#![expect(
    clippy::print_stderr,
    reason = "what goes wrong is told to the person at the terminal"
)]

use std::{
    env,
    error::Error,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use simulate_scaling::sign::RequestSigner;

type OwnerError = Box<dyn Error>;

/// How often the endpoint is polled without events.
const POLL: Duration = Duration::from_secs(1);
/// How long workers may take to start, or to finish their jobs and stop.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_WORKERS: u32 = 20;

#[tokio::main]
async fn main() -> Result<(), OwnerError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["run", url, folder] => run(OwnerEndpoint::new(url, None)?, Path::new(folder)).await,
        ["run", url, folder, region] => {
            let signer = RequestSigner::new(region.to_owned()).await?;
            run(OwnerEndpoint::new(url, Some(signer))?, Path::new(folder)).await
        }
        ["work", folder, number] => Ok(Workers::at(folder.into()).work(number.parse()?)?),
        _ => Err("usage: owner run URL FOLDER [REGION]".into()),
    }
}

async fn run(endpoint: OwnerEndpoint, folder: &Path) -> Result<(), OwnerError> {
    let mut heard = String::new();
    let events = env::var("EVENTS_URL").ok();
    loop {
        // Before the list is read, so that changes made meanwhile are reported afterwards.
        if let (Some(url), "") = (&events, heard.as_str()) {
            heard = endpoint.wait_for_event(url, "").await.unwrap_or_default();
        }
        // An InProgress dimension belongs to a copy that is working on it or was killed: its lock shows which.
        for status in ["Pending", "InProgress"] {
            let ids = endpoint.list(status).await.unwrap_or_else(|error| {
                eprintln!("the list: {error}");
                Vec::new()
            });
            for id in ids {
                if let Err(error) = serve(&endpoint, folder, &id).await {
                    eprintln!("{id}: {error}");
                }
            }
        }
        let told = match &events {
            Some(url) if !heard.is_empty() => endpoint.wait_for_event(url, &heard).await,
            _ => Err("nobody tells".into()),
        };
        match told {
            Ok(last) => heard = last,
            Err(_) => {
                heard.clear();
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// Carries out the order of the dimension `id`.
async fn serve(endpoint: &OwnerEndpoint, folder: &Path, id: &str) -> Result<(), OwnerError> {
    let name = utf8_percent_encode(id, NON_ALPHANUMERIC).to_string();
    let workers = Workers::at(folder.join(name));
    fs::create_dir_all(workers.queue())?;
    let lock = File::create(workers.folder.join("owner.lock"))?;
    if lock.try_lock().is_err() {
        return Ok(());
    }
    let (state, mut tag) = endpoint.ask(Method::GET, id, None).await?;
    match state["scalingStatus"].as_str() {
        Some("Pending") => {
            let claim = json!({ "scalingStatus": "InProgress" });
            (_, tag) = endpoint.ask(Method::PATCH, id, Some((&tag, claim))).await?;
        }
        Some("InProgress") => {}
        _ => return Ok(()),
    }
    let desired = state["desiredCapacity"].as_f64().unwrap_or_default();
    let report = match workers.scale_to(desired).await {
        Ok(()) => json!({ "actualCapacity": desired, "scalingStatus": "Successful" }),
        Err(reason) => json!({
            "actualCapacity": workers.count()?, "scalingStatus": "Failed", "failureReason": reason.to_string()
        }),
    };
    // Refused if another capacity has been ordered meanwhile: that order is Pending, and comes next.
    endpoint
        .ask(Method::PATCH, id, Some((&tag, report)))
        .await?;
    Ok(())
}

/// The scaling endpoint.
struct OwnerEndpoint {
    client: reqwest::Client,
    url: String,
    signer: Option<RequestSigner>,
}

impl OwnerEndpoint {
    fn new(url: &str, signer: Option<RequestSigner>) -> Result<Self, OwnerError> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self {
            client,
            url,
            signer,
        })
    }

    /// Waits for a change after the event `last`, or for some seconds. Returns the id of the last event.
    async fn wait_for_event(&self, url: &str, last: &str) -> Result<String, OwnerError> {
        let request = self.client.get(url).header("last-event-id", last);
        let answer = request.send().await?.error_for_status()?.text().await?;
        let mut told = answer.lines().filter_map(|line| line.strip_prefix("id: "));
        Ok(told.next_back().unwrap_or(last).to_owned())
    }

    /// The ids of the dimensions with a status.
    async fn list(&self, status: &str) -> Result<Vec<String>, OwnerError> {
        let (mut ids, mut token) = (Vec::new(), String::new());
        loop {
            let url = format!("{}?scalingStatus={status}&limit=100{token}", self.url);
            let (page, _) = self.send(Method::GET, url, None).await?;
            let dimensions = page["dimensions"].as_array().into_iter().flatten();
            ids.extend(
                dimensions
                    .filter_map(|one| Some(one["scalableTargetDimensionId"].as_str()?.to_owned())),
            );
            match page["next_token"].as_str() {
                Some(next) => token = format!("&next_token={next}"),
                None => return Ok(ids),
            }
        }
    }

    /// Reads a state, or changes the one that has a tag; returns the state and its tag.
    async fn ask(
        &self,
        method: Method,
        id: &str,
        change: Option<(&str, Value)>,
    ) -> Result<(Value, String), OwnerError> {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        self.send(method, format!("{}/{id}", self.url), change)
            .await
    }

    async fn send(
        &self,
        method: Method,
        url: String,
        change: Option<(&str, Value)>,
    ) -> Result<(Value, String), OwnerError> {
        let mut request = http::Request::builder().method(method).uri(url);
        let mut body = Vec::new();
        if let Some((tag, change)) = change {
            request = request.header("if-match", tag);
            body = change.to_string().into_bytes();
        }
        let mut request = request.body(body)?;
        if let Some(signer) = &self.signer {
            signer.sign(&mut request).await?;
        }
        let response = self.client.execute(request.try_into()?).await?;
        let (status, tag) = (response.status(), response.headers().get("etag"));
        let tag = tag
            .and_then(|tag| tag.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body: Value = serde_json::from_slice(&response.bytes().await?)?;
        match status {
            StatusCode::OK => Ok((body, tag)),
            _ => Err(format!("{status}: {}", body["message"].as_str().unwrap_or_default()).into()),
        }
    }
}

/// The workers of a dimension. Each has a number and holds the lock of a file for as long as it lives. The file
/// `wanted` contains their desired number; a worker with that number or a higher one stops after its job.
struct Workers {
    folder: PathBuf,
}

impl Workers {
    fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn queue(&self) -> PathBuf {
        self.folder.join("queue")
    }

    fn lock_file(&self, number: u32) -> io::Result<File> {
        File::create(self.folder.join(format!("worker-{number}.lock")))
    }

    fn is_alive(&self, number: u32) -> io::Result<bool> {
        Ok(self.lock_file(number)?.try_lock().is_err())
    }

    fn count(&self) -> io::Result<f64> {
        let mut alive = 0;
        for number in 0..MOST_WORKERS {
            alive += u32::from(self.is_alive(number)?);
        }
        Ok(f64::from(alive))
    }

    async fn scale_to(&self, desired: f64) -> Result<(), OwnerError> {
        let wanted = (0..=MOST_WORKERS).find(|number| f64::from(*number) == desired);
        let wanted = wanted.ok_or_else(|| {
            format!(
                "There cannot be {desired} workers: the number must be whole and at most {MOST_WORKERS}."
            )
        })?;
        let new = self.folder.join("wanted.new");
        fs::write(&new, wanted.to_string())?;
        fs::rename(new, self.folder.join("wanted"))?;
        for number in 0..wanted {
            if !self.is_alive(number)? {
                tokio::process::Command::new(env::current_exe()?)
                    .args([
                        "work".as_ref(),
                        self.folder.as_os_str(),
                        number.to_string().as_ref(),
                    ])
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .spawn()?;
            }
        }
        let started = Instant::now();
        while self.count()? != desired {
            if started.elapsed() > PATIENCE {
                return Err("The workers did not start or stop in time.".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Works until fewer workers are wanted.
    fn work(&self, number: u32) -> io::Result<()> {
        let lock = self.lock_file(number)?;
        // An owner that checks for a worker holds the lock for a moment; a worker holds it permanently.
        let is_mine = (0..20).any(|_| {
            lock.try_lock().is_ok() || {
                thread::sleep(Duration::from_millis(50));
                false
            }
        });
        let taken = self.folder.join(format!("job-{number}"));
        let wanted = || {
            fs::read_to_string(self.folder.join("wanted"))
                .ok()?
                .parse::<u32>()
                .ok()
        };
        while is_mine && wanted().is_some_and(|wanted| number < wanted) {
            // A job left by a killed worker with this number comes first.
            if taken.exists() || self.take(&taken)? {
                thread::sleep(Duration::from_millis(50));
                fs::remove_file(&taken)?;
            } else {
                thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    }

    /// Moves one job of the queue to `taken`. If several workers try, one succeeds.
    fn take(&self, taken: &Path) -> io::Result<bool> {
        for job in fs::read_dir(self.queue())? {
            if fs::rename(job?.path(), taken).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
