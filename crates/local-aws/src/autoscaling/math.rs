//! What a policy or an alarm looks at: a metric, or metric math over several.
//!
//! Of CloudWatch's language (user guide, "Using math expressions with CloudWatch metrics") this has numbers, the four
//! operations, comparisons, AND, OR, IF, and FILL of a metric. Anything else is refused when the policy or the alarm is put.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulate_scaling::series::Statistic;

use super::{
    error::ScalingError,
    fields::{statistic, text},
    metrics::{MetricName, Metrics},
};

/// The most entries of `Metrics`, as on AWS.
const MOST_ENTRIES: usize = 10;
/// The longest expression in bytes, and how deep it may be nested.
const LONGEST: usize = 1024;
const DEEPEST: usize = 32;
/// How many periods `FILL(…, REPEAT)` looks back for a value.
const LOOK_BACK: i32 = 60;

/// What is measured in each period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measurement {
    /// Each with its id, after those that it refers to.
    entries: Vec<(String, Source)>,
    /// The id of the one whose value counts.
    returned: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    Metric(MetricName, Statistic),
    Expression(Expression),
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Number(f64),
    Id(String),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// A condition, what counts where it holds, and where it does not.
    If(Box<Expression>, Box<Expression>, Option<Box<Expression>>),
    /// A metric's id, and what stands for a missing value: a number, or the last value before.
    Fill(String, Option<f64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// How each operator is written, and how strongly it binds. One that begins with another comes before it.
const OPERATORS: [(&str, Operator, u8); 14] = [
    ("<=", Operator::LessOrEqual, 3),
    (">=", Operator::GreaterOrEqual, 3),
    ("==", Operator::Equal, 3),
    ("!=", Operator::NotEqual, 3),
    ("&&", Operator::And, 2),
    ("||", Operator::Or, 1),
    ("AND", Operator::And, 2),
    ("OR", Operator::Or, 1),
    ("<", Operator::Less, 3),
    (">", Operator::Greater, 3),
    ("+", Operator::Add, 4),
    ("-", Operator::Subtract, 4),
    ("*", Operator::Multiply, 5),
    ("/", Operator::Divide, 5),
];

impl Measurement {
    /// That of `Namespace`, `MetricName`, `Dimensions` and `Statistic`, or of `Metrics`.
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
                entries: vec![(String::new(), Source::Metric(metric, statistic(name)?))],
                returned: String::new(),
            });
        };
        if given.is_empty() || given.len() > MOST_ENTRIES {
            return Err(ScalingError::invalid(format!(
                "Metrics must have 1 to {MOST_ENTRIES} entries."
            )));
        }
        let mut entries: Vec<(String, Source)> = Vec::with_capacity(given.len());
        let mut returned = None;
        for entry in given {
            let id = text(entry, "Id")?.to_owned();
            if entries.iter().any(|(other, _)| *other == id) {
                return Err(ScalingError::invalid(format!(
                    "The id {id} is there twice."
                )));
            }
            let counts = entry.get("ReturnData").and_then(Value::as_bool);
            if counts.unwrap_or(true) && returned.replace(id.clone()).is_some() {
                return Err(ScalingError::invalid(
                    "ReturnData must be true for one entry of Metrics alone.",
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

    /// The value of the period after `from` and up to `to`, where there is one.
    pub(super) fn datapoint(
        &self,
        metrics: &Metrics,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<f64> {
        let period = Period { metrics, from, to };
        let mut values: Vec<Option<f64>> = Vec::with_capacity(self.entries.len());
        for (_, source) in &self.entries {
            values.push(match source {
                Source::Metric(metric, statistic) => period.datapoint(metric, *statistic),
                Source::Expression(expression) => self.evaluate(expression, &values, &period),
            });
        }
        // As in CloudWatch, a division by zero has no value.
        let value = *values.get(self.index(&self.returned)?)?;
        value.filter(|value| value.is_finite())
    }

    fn index(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|(other, _)| other == id)
    }

    /// No value where one that it needs is missing. `values` are those of the entries before.
    fn evaluate(
        &self,
        expression: &Expression,
        values: &[Option<f64>],
        period: &Period<'_>,
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
                let (_, Source::Metric(metric, statistic)) = self.entries.get(index)? else {
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

/// The entries, each after those that it refers to.
fn ordered(mut entries: Vec<(String, Source)>) -> Result<Vec<(String, Source)>, ScalingError> {
    for (id, source) in &entries {
        let wrong = |what: String| {
            ScalingError::invalid(format!("The expression of {id} cannot be used: {what}."))
        };
        for (named, filled) in source.references() {
            match entries.iter().find(|(other, _)| other == named) {
                None => return Err(wrong(format!("there is no entry with the id '{named}'"))),
                Some((_, Source::Expression(_))) if filled => {
                    return Err(wrong(format!(
                        "FILL needs the id of a metric, not '{named}'"
                    )));
                }
                Some(_) => {}
            }
        }
    }
    let mut ordered: Vec<(String, Source)> = Vec::with_capacity(entries.len());
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

impl Source {
    /// The ids that it names, and whether each is filled.
    fn references(&self) -> Vec<(&str, bool)> {
        let mut references = Vec::new();
        if let Self::Expression(expression) = self {
            expression.collect(&mut references);
        }
        references
    }
}

impl Expression {
    fn collect<'e>(&'e self, references: &mut Vec<(&'e str, bool)>) {
        match self {
            Self::Number(_) => {}
            Self::Id(id) => references.push((id, false)),
            Self::Fill(id, _) => references.push((id, true)),
            Self::Negative(inner) => inner.collect(references),
            Self::Binary(_, left, right) => {
                left.collect(references);
                right.collect(references);
            }
            Self::If(condition, then, otherwise) => {
                condition.collect(references);
                then.collect(references);
                if let Some(otherwise) = otherwise {
                    otherwise.collect(references);
                }
            }
        }
    }
}

fn source(entry: &Value) -> Result<Source, ScalingError> {
    if let Some(stat) = entry.get("MetricStat").filter(|stat| !stat.is_null()) {
        let metric = stat.get("Metric").and_then(MetricName::of);
        let metric =
            metric.ok_or_else(|| ScalingError::invalid("Namespace or MetricName is missing."))?;
        return Ok(Source::Metric(
            metric,
            statistic(Some(text(stat, "Stat")?))?,
        ));
    }
    let written = text(entry, "Expression")?;
    let expression = Parser::new(written).whole().map_err(|what| {
        ScalingError::invalid(format!(
            "The expression '{written}' cannot be used: {what}."
        ))
    })?;
    Ok(Source::Expression(expression))
}

/// A span of time in which metrics are looked at.
struct Period<'m> {
    metrics: &'m Metrics,
    from: Timestamp,
    to: Timestamp,
}

impl Period<'_> {
    fn datapoint(&self, metric: &MetricName, statistic: Statistic) -> Option<f64> {
        self.metrics
            .datapoint(metric, statistic, self.from, self.to)
    }

    /// The period that is so many periods earlier.
    fn before(&self, number: i32) -> Option<Self> {
        let length: SignedDuration = self.to.duration_since(self.from).checked_mul(number)?;
        Some(Self {
            metrics: self.metrics,
            from: self.from.checked_sub(length).ok()?,
            to: self.to.checked_sub(length).ok()?,
        })
    }
}

impl Operator {
    /// A comparison is 1 where it holds, and otherwise 0.
    fn apply(self, left: f64, right: f64) -> f64 {
        let holds = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            Self::Or => holds(left != 0.0 || right != 0.0),
            Self::And => holds(left != 0.0 && right != 0.0),
            Self::Less => holds(left < right),
            Self::LessOrEqual => holds(left <= right),
            Self::Greater => holds(left > right),
            Self::GreaterOrEqual => holds(left >= right),
            Self::Equal => holds(left == right),
            Self::NotEqual => holds(left != right),
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
        }
    }
}

/// Reads an expression from its beginning. Errors are the end of a sentence.
struct Parser<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            rest: text,
            depth: 0,
        }
    }

    fn whole(mut self) -> Result<Expression, String> {
        if self.rest.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let expression = self.binary(0)?;
        if self.rest.trim().is_empty() {
            Ok(expression)
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> String {
        let rest: String = self.rest.trim().chars().take(20).collect();
        if rest.is_empty() {
            "it ends too early".to_owned()
        } else {
            format!("'{rest}' is unexpected")
        }
    }

    fn take(&mut self, symbol: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// The next characters for which `belongs` holds.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest.trim_start();
        let end = rest.find(|next| !belongs(next)).unwrap_or(rest.len());
        let (run, rest) = rest.split_at(end);
        self.rest = rest;
        run
    }

    fn word(&mut self) -> &'t str {
        self.run(|next| next.is_ascii_alphanumeric() || next == '_')
    }

    fn number(&mut self) -> Result<f64, String> {
        let digits = self.run(|next| next.is_ascii_digit() || next == '.');
        digits
            .parse()
            .map_err(|_| format!("'{digits}' is not a number"))
    }

    /// The next operator that binds at least so strongly.
    fn operator(&mut self, least: u8) -> Option<(Operator, u8)> {
        let rest = self.rest.trim_start();
        let &(symbol, operator, strength) = OPERATORS
            .iter()
            .find(|(symbol, ..)| rest.starts_with(symbol))?;
        (strength >= least).then(|| {
            self.rest = &rest[symbol.len()..];
            (operator, strength)
        })
    }

    fn binary(&mut self, least: u8) -> Result<Expression, String> {
        let mut left = self.operand()?;
        while let Some((operator, strength)) = self.operator(least) {
            let right = self.binary(strength + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST}"));
        }
        let operand = self.single();
        self.depth -= 1;
        operand
    }

    fn single(&mut self) -> Result<Expression, String> {
        if self.take("-") {
            return Ok(Expression::Negative(Box::new(self.operand()?)));
        }
        if self.take("(") {
            let inner = self.binary(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self
            .rest
            .trim_start()
            .starts_with(|next: char| next.is_ascii_digit())
        {
            return Ok(Expression::Number(self.number()?));
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.unexpected());
        }
        if self.take("(") {
            self.function(word)
        } else {
            Ok(Expression::Id(word.to_owned()))
        }
    }

    fn function(&mut self, name: &str) -> Result<Expression, String> {
        let made = match name {
            "IF" => {
                let condition = Box::new(self.binary(0)?);
                self.expect(",")?;
                let then = Box::new(self.binary(0)?);
                let otherwise = self.take(",").then(|| self.binary(0)).transpose()?;
                Expression::If(condition, then, otherwise.map(Box::new))
            }
            "FILL" => {
                let id = self.word().to_owned();
                self.expect(",")?;
                let with = if self.take("REPEAT") {
                    None
                } else {
                    let sign = if self.take("-") { -1.0 } else { 1.0 };
                    Some(sign * self.number()?)
                };
                Expression::Fill(id, with)
            }
            _ => {
                return Err(format!(
                    "the function {name} is not available here, only IF and FILL"
                ));
            }
        };
        self.expect(")")?;
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metric(id: &str) -> Value {
        json!({"Id": id, "ReturnData": false, "MetricStat": {"Stat": "Sum", "Metric": {"Namespace": "N", "MetricName": id}}})
    }

    /// `a` and `b` are metrics, `c` is `b` or its last value, and the result is `expression`.
    fn measurement(expression: &str) -> Result<Measurement, String> {
        let c = json!({"Id": "c", "ReturnData": false, "Expression": "FILL(b, REPEAT)"});
        let result = json!({"Id": "r", "Expression": expression});
        let metrics = json!({"Metrics": [metric("a"), metric("b"), c, result]});
        Measurement::of(&metrics).map_err(|ScalingError(_, sentence)| sentence)
    }

    fn publish(metrics: &Metrics, name: &str, value: f64) {
        let metric = json!({"Namespace": "N", "MetricName": name});
        metrics.publish(MetricName::of(&metric).unwrap(), value, 1.0);
    }

    #[test]
    fn an_expression_is_worked_out_of_its_metrics() {
        let metrics = Metrics::new(None);
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
        let metrics = Metrics::new(None);
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
            // Two periods after the one with the value.
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
            (twice, "The id a is there twice."),
            (none, "ReturnData must be true for one entry of Metrics."),
            (both, "one entry of Metrics alone"),
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
            let ScalingError(_, sentence) = Measurement::of(&given).unwrap_err();
            assert!(sentence.contains(words), "{sentence}");
        }
    }
}
