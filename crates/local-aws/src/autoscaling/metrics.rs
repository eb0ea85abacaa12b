//! Metrics, published or from files, and the alarms on them.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulate_scaling::series::{Series, Statistic};

/// The most values stored for a metric.
const MOST_VALUES: usize = 10_000;
/// The most metrics stored.
const MOST_METRICS: usize = 1_000;
/// The namespace in which a target's capacity is published.
const CAPACITY_NAMESPACE: &str = "FleetApi/local";

/// A metric's namespace, name and dimensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MetricName {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) dimensions: BTreeMap<String, String>,
}

impl MetricName {
    /// Reads `Namespace`, `MetricName` and `Dimensions` of a request.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let dimensions = value.get("Dimensions").and_then(Value::as_array);
        let pair = |one: &Value| {
            let text = |name: &str| Some(one.get(name)?.as_str()?.to_owned());
            Some((text("Name")?, text("Value")?))
        };
        Some(Self {
            namespace: text("Namespace")?,
            name: text("MetricName")?,
            dimensions: dimensions.into_iter().flatten().filter_map(pair).collect(),
        })
    }

    /// The capacity metric of a target. Fleet API publishes it on AWS; here the target's scaler does. Its dimension is
    /// the last segment of the resource id.
    pub(super) fn capacity_of(resource_id: &str) -> Self {
        let id = resource_id.rsplit('/').next().unwrap_or_default();
        Self {
            namespace: CAPACITY_NAMESPACE.to_owned(),
            name: "ActualCapacity".to_owned(),
            dimensions: BTreeMap::from([("dimension".to_owned(), id.to_owned())]),
        }
    }
}

/// A value, and how many times it was published.
#[derive(Clone, Copy, Debug)]
struct PublishedValue {
    at: Timestamp,
    value: f64,
    count: f64,
}

/// All metrics and alarms.
pub(super) struct MetricRegistry {
    folder: Option<PathBuf>,
    began: Timestamp,
    kept: Mutex<MetricStore>,
}

#[derive(Default)]
struct MetricStore {
    values: BTreeMap<MetricName, VecDeque<PublishedValue>>,
    alarms: BTreeMap<String, Value>,
}

impl fmt::Debug for MetricRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Metrics")
            .field(&self.folder)
            .finish()
    }
}

impl MetricRegistry {
    /// With the metrics in the files of `folder`, and those that are published.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            began: Timestamp::now(),
            kept: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, MetricStore> {
        // Every change leaves the store consistent.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a value published now.
    pub(super) fn publish(&self, metric: MetricName, value: f64, count: f64) {
        self.publish_at(Timestamp::now(), metric, value, count);
    }

    /// Stores a value with this time, which must not be before that of an earlier call.
    pub(super) fn publish_at(&self, at: Timestamp, metric: MetricName, value: f64, count: f64) {
        let mut kept = self.lock();
        if kept.values.len() >= MOST_METRICS && !kept.values.contains_key(&metric) {
            return;
        }
        let values = kept.values.entry(metric).or_default();
        if values.len() == MOST_VALUES {
            values.pop_front();
        }
        values.push_back(PublishedValue { at, value, count });
    }

    /// The datapoint of everything published after `from` and up to `to`; if nothing was, the file's value for that
    /// time.
    pub(super) fn datapoint(
        &self,
        metric: &MetricName,
        statistic: Statistic,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<f64> {
        let published = {
            let kept = self.lock();
            let values = kept.values.get(metric).into_iter().flatten();
            let values = values.filter(|one| one.at > from && one.at <= to);
            statistic.of(values.map(|one| (one.value, one.count)))
        };
        published.or_else(|| self.file_value(metric, statistic, from, to))
    }

    /// Reads `metrics/NAMESPACE/NAME.csv` in the data folder, for a metric without dimensions. Its times are relative
    /// to the start of the server, or calendar times.
    fn file_value(
        &self,
        metric: &MetricName,
        statistic: Statistic,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<f64> {
        let parts = || metric.namespace.split('/').chain([metric.name.as_str()]);
        if !metric.dimensions.is_empty() || parts().any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        let mut path = self.folder.clone()?;
        path.push(&metric.namespace);
        path.push(format!("{}.csv", metric.name));
        if !path.starts_with(self.folder.as_deref().unwrap_or(Path::new(""))) || !path.exists() {
            return None;
        }
        let series = Series::parse(path.to_str()?)
            .inspect_err(|error| tracing::warn!("{error}"))
            .ok()?;
        let start = match &series {
            Series::Samples(samples) if samples.begins().is_some() => samples.begins()?,
            _ => self.began,
        };
        let period = to.duration_since(from).max(SignedDuration::from_millis(1));
        let since = from.duration_since(start);
        (!since.is_negative()).then(|| series.value(start, since, period, statistic))?
    }

    pub(super) fn put_alarm(&self, name: String, alarm: Value) {
        self.lock().alarms.insert(name, alarm);
    }

    pub(super) fn delete_alarms(&self, names: &[String]) {
        let mut kept = self.lock();
        for name in names {
            kept.alarms.remove(name);
        }
    }

    /// All alarms with their names.
    pub(super) fn alarms(&self) -> Vec<(String, Value)> {
        let kept = self.lock();
        let alarms = kept.alarms.iter();
        alarms
            .map(|(name, alarm)| (name.clone(), alarm.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(namespace: &str) -> MetricName {
        MetricName {
            namespace: namespace.to_owned(),
            name: "Busy".to_owned(),
            dimensions: BTreeMap::new(),
        }
    }

    #[test]
    fn a_datapoint_is_made_of_what_was_published_in_its_period() {
        let metrics = MetricRegistry::new(None);
        let before = Timestamp::now();
        metrics.publish(metric("A"), 10.0, 3.0);
        metrics.publish(metric("A"), 50.0, 1.0);
        let now = Timestamp::now();
        let of = |statistic| metrics.datapoint(&metric("A"), statistic, before, now);
        assert_eq!(of(Statistic::Average), Some(20.0));
        assert_eq!(of(Statistic::Sum), Some(80.0));
        assert_eq!(of(Statistic::Maximum), Some(50.0));
        assert_eq!(of(Statistic::Minimum), Some(10.0));
        assert_eq!(
            metrics.datapoint(&metric("B"), Statistic::Sum, before, now),
            None
        );
        let later = now + SignedDuration::from_secs(60);
        assert_eq!(
            metrics.datapoint(&metric("A"), Statistic::Sum, now, later),
            None
        );
    }

    #[test]
    fn a_file_stands_in_for_what_nobody_publishes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("My/Service")).unwrap();
        std::fs::write(folder.path().join("My/Service/Busy.csv"), "0,70\n60,90\n").unwrap();
        let metrics = MetricRegistry::new(Some(folder.path().to_owned()));
        let minute = |number| metrics.began + SignedDuration::from_mins(number);
        let of = |namespace: &str, number| {
            let (from, to) = (minute(number), minute(number + 1));
            metrics.datapoint(&metric(namespace), Statistic::Average, from, to)
        };
        assert_eq!(of("My/Service", 0), Some(70.0));
        assert_eq!(of("My/Service", 1), Some(90.0));
        assert_eq!(of("My/Service", 2), None);
        for outside in ["..", "My/../My/Service", "/My/Service", ""] {
            assert_eq!(of(outside, 0), None, "{outside}");
        }
    }
}
