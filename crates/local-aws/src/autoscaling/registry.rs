//! The registered targets with their policies and scheduled actions, and the tasks that run them.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::Notify, task::AbortHandle};

use super::{metrics::MetricRegistry, pace::ScalingPace};

const FILE: &str = "application-autoscaling.json";

/// The definitions of one target: the requests that defined it, with what the service adds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TargetDefinitions {
    pub(super) target: Value,
    pub(super) policies: BTreeMap<String, Value>,
    pub(super) actions: BTreeMap<String, Value>,
    pub(super) tags: BTreeMap<String, String>,
}

/// Starts the task that runs a target; it reads the target's definitions again when notified.
pub(super) type TargetStart = fn(Arc<TargetRegistry>, String, Arc<Notify>) -> AbortHandle;

/// A running target.
struct TargetTask {
    changed: Arc<Notify>,
    /// As shown by `describe-scaling-activities`, newest first.
    activities: Vec<Value>,
    task: AbortHandle,
}

impl Drop for TargetTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Default)]
struct RegistryState {
    defined: BTreeMap<String, TargetDefinitions>,
    running: BTreeMap<String, TargetTask>,
}

/// All targets.
pub(super) struct TargetRegistry {
    folder: Option<PathBuf>,
    api: Option<String>,
    pub(super) pace: ScalingPace,
    pub(super) metrics: Arc<MetricRegistry>,
    /// Region and account, as written in ARNs.
    pub(super) place: String,
    kept: Mutex<RegistryState>,
    start: TargetStart,
    this: Weak<Self>,
}

impl fmt::Debug for TargetRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Registry")
            .field(&self.folder)
            .finish()
    }
}

impl TargetRegistry {
    /// With the definitions in `folder`. Each target is run by `start`.
    pub(super) fn new(
        folder: Option<PathBuf>,
        api: Option<String>,
        pace: ScalingPace,
        metrics: Arc<MetricRegistry>,
        place: String,
        start: TargetStart,
    ) -> Arc<Self> {
        let text = folder
            .as_ref()
            .and_then(|folder| fs::read_to_string(folder.join(FILE)).ok());
        let defined = text.and_then(|text| {
            serde_json::from_str(&text)
                .inspect_err(|error| tracing::warn!("{FILE} cannot be read: {error}"))
                .ok()
        });
        let kept = RegistryState {
            defined: defined.unwrap_or_default(),
            running: BTreeMap::new(),
        };
        Arc::new_cyclic(|this| Self {
            folder,
            api,
            pace,
            metrics,
            place,
            kept: Mutex::new(kept),
            start,
            this: Weak::clone(this),
        })
    }

    fn lock(&self) -> MutexGuard<'_, RegistryState> {
        // Every change leaves the state consistent.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the targets that were defined before the last stop.
    pub(super) fn resume(&self) {
        let ids: Vec<String> = self.lock().defined.keys().cloned().collect();
        for id in ids {
            self.run(&id);
        }
    }

    /// The address of a target's endpoint: its resource id or, if that is on AWS, the same end of the path on the local
    /// API.
    pub(super) fn endpoint(&self, resource_id: &str) -> String {
        match (
            &self.api,
            resource_id.rsplit_once("/scalableTargetDimensions/"),
        ) {
            (Some(api), Some((before, id))) if before.contains(".execute-api.") => {
                format!("{api}/scalableTargetDimensions/{id}")
            }
            _ => resource_id.to_owned(),
        }
    }

    /// The definitions of a target.
    pub(super) fn find(&self, resource_id: &str) -> Option<TargetDefinitions> {
        self.lock().defined.get(resource_id).cloned()
    }

    /// All definitions.
    pub(super) fn all(&self) -> Vec<(String, TargetDefinitions)> {
        let kept = self.lock();
        let defined = kept.defined.iter();
        defined
            .map(|(id, definitions)| (id.clone(), definitions.clone()))
            .collect()
    }

    /// Changes the definitions of a target, and starts it if it is new.
    pub(super) fn change(&self, resource_id: &str, change: impl FnOnce(&mut TargetDefinitions)) {
        let mut kept = self.lock();
        change(kept.defined.entry(resource_id.to_owned()).or_default());
        self.write(&kept);
        if let Some(running) = kept.running.get(resource_id) {
            running.changed.notify_one();
            return;
        }
        drop(kept);
        self.run(resource_id);
    }

    /// Deregisters a target.
    pub(super) fn remove(&self, resource_id: &str) {
        let mut kept = self.lock();
        kept.defined.remove(resource_id);
        kept.running.remove(resource_id);
        self.write(&kept);
    }

    /// An alarm that invokes a policy may have been added or deleted.
    pub(super) fn alarms_changed(&self) {
        for running in self.lock().running.values() {
            running.changed.notify_one();
        }
    }

    pub(super) fn activities(&self, resource_id: &str) -> Vec<Value> {
        let kept = self.lock();
        let running = kept.running.get(resource_id);
        running
            .map(|running| running.activities.clone())
            .unwrap_or_default()
    }

    /// Stores the activities so far.
    pub(super) fn set_activities(&self, resource_id: &str, activities: Vec<Value>) {
        if let Some(running) = self.lock().running.get_mut(resource_id) {
            running.activities = activities;
        }
    }

    fn run(&self, resource_id: &str) {
        let Some(this) = self.this.upgrade() else {
            return;
        };
        let changed = Arc::new(Notify::new());
        let task = (self.start)(this, resource_id.to_owned(), Arc::clone(&changed));
        let running = TargetTask {
            changed,
            activities: Vec::new(),
            task,
        };
        self.lock().running.insert(resource_id.to_owned(), running);
    }

    /// Stops all targets.
    pub(super) fn stop(&self) {
        self.lock().running.clear();
    }

    fn write(&self, kept: &RegistryState) {
        let Some(folder) = &self.folder else {
            return;
        };
        let (path, draft) = (
            folder.join(FILE),
            folder.join("application-autoscaling.new"),
        );
        let written = serde_json::to_string_pretty(&kept.defined)
            .map_err(std::io::Error::from)
            .and_then(|text| fs::write(&draft, text))
            .and_then(|()| fs::rename(&draft, &path));
        if let Err(error) = written {
            tracing::warn!("{FILE} cannot be written: {}", error.kind());
        }
    }
}
