//! What a policy or an alarm watches: a metric, or metric math over several.
//!
//! Of CloudWatch's language (user guide, "Using math expressions with CloudWatch metrics") this supports numbers, the
//! four operations, comparisons, AND, OR, IF, and FILL of a metric. Anything else is refused when the policy or alarm
//! is put.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulate_scaling::series::Statistic;

use super::{
    error::ScalingError,
    expressions::Expression,
    fields::{statistic, text},
    metrics::{MetricName, MetricRegistry},
};

/// The most entries in `Metrics`, as on AWS.
const MOST_ENTRIES: usize = 10;
/// How many periods `FILL(…, REPEAT)` looks back for a value.
const LOOK_BACK: i32 = 60;

/// The measurement to take in each period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetricQuery {
    /// Each with its id, after the ones it refers to.
    entries: Vec<(String, MetricSource)>,
    /// The id of the entry whose value is used.
    returned: String,
}

#[derive(Clone, Debug, PartialEq)]
enum MetricSource {
    Metric(MetricName, Statistic),
    Expression(Expression),
}

impl MetricQuery {
    /// Reads `Namespace`, `MetricName`, `Dimensions` and `Statistic`, or `Metrics`.
    ///
    /// # Errors
    ///
    /// A sentence that names what is missing, or what is not available here.
    pub(super) fn of(value: &Value) -> Result<Self, ScalingError> {
        let Some(given) = value.get("Metrics").and_then(Value::as_array) else {
            let metric = MetricName::of(value)
                .ok_or_else(|| ScalingError::invalid("Namespace or MetricName is missing."))?;
            if value
                .get("ExtendedStatistic")
                .is_some_and(|given| !given.is_null())
            {
                return Err(ScalingError::invalid(
                    "ExtendedStatistic is not available here, only Statistic.",
                ));
            }
            let name = value.get("Statistic").and_then(Value::as_str);
            return Ok(Self {
                entries: vec![(
                    String::new(),
                    MetricSource::Metric(metric, statistic(name)?),
                )],
                returned: String::new(),
            });
        };
        if given.is_empty() || given.len() > MOST_ENTRIES {
            return Err(ScalingError::invalid(format!(
                "Metrics must have 1 to {MOST_ENTRIES} entries."
            )));
        }
        let mut entries: Vec<(String, MetricSource)> = Vec::with_capacity(given.len());
        let mut returned = None;
        for entry in given {
            let id = text(entry, "Id")?.to_owned();
            if entries.iter().any(|(other, _)| *other == id) {
                return Err(ScalingError::invalid(format!("The id {id} appears twice.")));
            }
            let counts = entry.get("ReturnData").and_then(Value::as_bool);
            if counts.unwrap_or(true) && returned.replace(id.clone()).is_some() {
                return Err(ScalingError::invalid(
                    "ReturnData must be true for only one entry of Metrics.",
                ));
            }
            entries.push((id, source(entry)?));
        }
        let returned = returned.ok_or_else(|| {
            ScalingError::invalid("ReturnData must be true for one entry of Metrics.")
        })?;
        Ok(Self {
            entries: ordered(entries)?,
            returned,
        })
    }

    /// The value for the period after `from` and up to `to`, if there is one.
    pub(super) fn datapoint(
        &self,
        metrics: &MetricRegistry,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<f64> {
        let period = TimeSpan { metrics, from, to };
        let mut values: Vec<Option<f64>> = Vec::with_capacity(self.entries.len());
        for (_, source) in &self.entries {
            values.push(match source {
                MetricSource::Metric(metric, statistic) => period.datapoint(metric, *statistic),
                MetricSource::Expression(expression) => self.evaluate(expression, &values, &period),
            });
        }
        // As in CloudWatch, a division by zero gives no value.
        let value = *values.get(self.index(&self.returned)?)?;
        value.filter(|value| value.is_finite())
    }

    fn index(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|(other, _)| other == id)
    }

    /// `None` if a value that it needs is missing. `values` are those of the entries before it.
    fn evaluate(
        &self,
        expression: &Expression,
        values: &[Option<f64>],
        period: &TimeSpan<'_>,
    ) -> Option<f64> {
        let value = |expression| self.evaluate(expression, values, period);
        match expression {
            Expression::Number(number) => Some(*number),
            Expression::Id(id) => *values.get(self.index(id)?)?,
            Expression::Negative(inner) => Some(-value(inner)?),
            Expression::Binary(operator, left, right) => {
                Some(operator.apply(value(left)?, value(right)?))
            }
            Expression::If(condition, then, otherwise) => {
                if value(condition)? != 0.0 {
                    value(then)
                } else {
                    value(otherwise.as_deref()?)
                }
            }
            Expression::Fill(id, with) => {
                let index = self.index(id)?;
                let (_, MetricSource::Metric(metric, statistic)) = self.entries.get(index)? else {
                    return None;
                };
                let now = *values.get(index)?;
                now.or(*with).or_else(|| {
                    (1..=LOOK_BACK)
                        .find_map(|number| period.before(number)?.datapoint(metric, *statistic))
                })
            }
        }
    }
}

/// The entries, each after the ones it refers to.
fn ordered(
    mut entries: Vec<(String, MetricSource)>,
) -> Result<Vec<(String, MetricSource)>, ScalingError> {
    for (id, source) in &entries {
        let wrong = |what: String| {
            ScalingError::invalid(format!("The expression of {id} cannot be used: {what}."))
        };
        for (named, filled) in source.references() {
            match entries.iter().find(|(other, _)| other == named) {
                None => return Err(wrong(format!("there is no entry with the id '{named}'"))),
                Some((_, MetricSource::Expression(_))) if filled => {
                    return Err(wrong(format!(
                        "FILL needs the id of a metric, not '{named}'"
                    )));
                }
                Some(_) => {}
            }
        }
    }
    let mut ordered: Vec<(String, MetricSource)> = Vec::with_capacity(entries.len());
    while !entries.is_empty() {
        let known = |named: &str| ordered.iter().any(|(id, _)| id == named);
        let next = entries
            .iter()
            .position(|(_, source)| source.references().iter().all(|(named, _)| known(named)));
        let Some(next) = next else {
            let ids: Vec<&str> = entries.iter().map(|(id, _)| id.as_str()).collect();
            return Err(ScalingError::invalid(format!(
                "These expressions refer to themselves or to one another: {}.",
                ids.join(", ")
            )));
        };
        ordered.push(entries.remove(next));
    }
    Ok(ordered)
}

impl MetricSource {
    /// The ids in it, and whether each is filled.
    fn references(&self) -> Vec<(&str, bool)> {
        let mut references = Vec::new();
        if let Self::Expression(expression) = self {
            expression.collect(&mut references);
        }
        references
    }
}

fn source(entry: &Value) -> Result<MetricSource, ScalingError> {
    if let Some(stat) = entry.get("MetricStat").filter(|stat| !stat.is_null()) {
        let metric = stat.get("Metric").and_then(MetricName::of);
        let metric =
            metric.ok_or_else(|| ScalingError::invalid("Namespace or MetricName is missing."))?;
        return Ok(MetricSource::Metric(
            metric,
            statistic(Some(text(stat, "Stat")?))?,
        ));
    }
    let written = text(entry, "Expression")?;
    let expression = Expression::read(written).map_err(|what| {
        ScalingError::invalid(format!(
            "The expression '{written}' cannot be used: {what}."
        ))
    })?;
    Ok(MetricSource::Expression(expression))
}

/// The period for which metrics are read.
struct TimeSpan<'m> {
    metrics: &'m MetricRegistry,
    from: Timestamp,
    to: Timestamp,
}

impl TimeSpan<'_> {
    fn datapoint(&self, metric: &MetricName, statistic: Statistic) -> Option<f64> {
        self.metrics
            .datapoint(metric, statistic, self.from, self.to)
    }

    /// The period this many periods earlier.
    fn before(&self, number: i32) -> Option<Self> {
        let length: SignedDuration = self.to.duration_since(self.from).checked_mul(number)?;
        Some(Self {
            metrics: self.metrics,
            from: self.from.checked_sub(length).ok()?,
            to: self.to.checked_sub(length).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::autoscaling::expressions::{DEEPEST, LONGEST};

    fn metric(id: &str) -> Value {
        json!({"Id": id, "ReturnData": false, "MetricStat": {"Stat": "Sum", "Metric": {"Namespace": "N", "MetricName": id}}})
    }

    /// `a` and `b` are metrics, `c` is `b` or its last value, and the result is `expression`.
    fn measurement(expression: &str) -> Result<MetricQuery, String> {
        let c = json!({"Id": "c", "ReturnData": false, "Expression": "FILL(b, REPEAT)"});
        let result = json!({"Id": "r", "Expression": expression});
        let metrics = json!({"Metrics": [metric("a"), metric("b"), c, result]});
        MetricQuery::of(&metrics).map_err(|ScalingError(_, sentence)| sentence)
    }

    fn publish(metrics: &MetricRegistry, name: &str, value: f64) {
        let metric = json!({"Namespace": "N", "MetricName": name});
        metrics.publish(MetricName::of(&metric).unwrap(), value, 1.0);
    }

    #[test]
    fn an_expression_is_worked_out_of_its_metrics() {
        let metrics = MetricRegistry::new(None);
        let from = Timestamp::now();
        publish(&metrics, "a", 7.0);
        publish(&metrics, "b", 2.0);
        let to = Timestamp::now();
        for (expression, value) in [
            ("a", Some(7.0)),
            ("a + b * 3", Some(13.0)),
            ("(a + b) * 3", Some(27.0)),
            ("a - b - 1", Some(4.0)),
            ("a / b / 2", Some(1.75)),
            ("-a + 0.5", Some(-6.5)),
            ("a / (b - 2)", None),
            ("a > 6 AND b >= 2", Some(1.0)),
            ("a<b OR b!=2", Some(0.0)),
            ("a <= 7 && b == 3 || 1", Some(1.0)),
            ("a / IF(b < 1, 1, b)", Some(3.5)),
            ("a / IF(b < 3, 1, b)", Some(7.0)),
            ("IF(a < b, a)", None),
            ("IF(a > b, a)", Some(7.0)),
            ("a / c", Some(3.5)),
        ] {
            let measurement = measurement(expression).unwrap();
            assert_eq!(
                measurement.datapoint(&metrics, from, to),
                value,
                "{expression}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_filled_where_the_expression_says_so() {
        let metrics = MetricRegistry::new(None);
        let from = Timestamp::now();
        publish(&metrics, "b", 4.0);
        let to = Timestamp::now() + SignedDuration::from_millis(1);
        let length = to.duration_since(from);
        for (expression, value) in [
            ("b", None),
            ("a + 1", None),
            ("c", Some(4.0)),
            ("FILL(b, -1) + 1", Some(0.0)),
            ("FILL(a, REPEAT)", None),
            ("IF(a, 1, 2)", None),
        ] {
            let measurement = measurement(expression).unwrap();
            // Two periods after the one with a value.
            let (from, to) = (from + length * 2, to + length * 2);
            assert_eq!(
                measurement.datapoint(&metrics, from, to),
                value,
                "{expression}"
            );
        }
    }

    #[test]
    fn what_cannot_be_worked_out_is_refused_with_a_reason() {
        let deep = format!("{}a{}", "(".repeat(DEEPEST), ")".repeat(DEEPEST));
        let long = "a+".repeat(LONGEST);
        for (expression, words) in [
            ("a +", "it ends too early"),
            ("a b", "'b' is unexpected"),
            ("(a", "it ends too early"),
            ("1.2.3", "'1.2.3' is not a number"),
            (
                "SEARCH('x', 'Sum')",
                "the function SEARCH is not available here",
            ),
            ("d", "there is no entry with the id 'd'"),
            ("FILL(r, 1)", "FILL needs the id of a metric, not 'r'"),
            ("r + 1", "refer to themselves or to one another: r."),
            ("a % b", "'% b' is unexpected"),
            (&deep, "it is nested deeper than 32"),
            (&long, "it is longer than 1024 bytes"),
        ] {
            let sentence = measurement(expression).unwrap_err();
            assert!(sentence.contains(words), "{expression}: {sentence}");
        }
        let twice = json!({"Metrics": [metric("a"), metric("a")]});
        let none = json!({"Metrics": [metric("a")]});
        let both =
            json!({"Metrics": [{"Id": "x", "Expression": "1"}, {"Id": "y", "Expression": "2"}]});
        for (given, words) in [
            (twice, "The id a appears twice."),
            (none, "ReturnData must be true for one entry of Metrics."),
            (both, "only one entry of Metrics"),
            (json!({"Metrics": []}), "1 to 10 entries"),
            (
                json!({"Namespace": "N"}),
                "Namespace or MetricName is missing.",
            ),
            (
                json!({"Namespace": "N", "MetricName": "a", "ExtendedStatistic": "p99"}),
                "ExtendedStatistic is not available here",
            ),
        ] {
            let ScalingError(_, sentence) = MetricQuery::of(&given).unwrap_err();
            assert!(sentence.contains(words), "{sentence}");
        }
    }
}
