//! The lines and shaded areas of a run.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::axis::{TimeAxis, ValueAxis};
use crate::{
    simulation::{PeriodSample, SimulationRun},
    target::TargetChange,
};

/// With more datapoints than this an envelope is drawn, from the lowest to the highest value of each pixel.
const MOST_POINTS: usize = 2000;

/// A time span.
#[derive(Debug, PartialEq)]
pub(super) struct Shade {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// The time spans of the periods for which `holds` is true.
pub(super) fn shades(
    run: &SimulationRun,
    period: SignedDuration,
    holds: impl Fn(&PeriodSample) -> bool,
) -> Vec<Shade> {
    let mut shades: Vec<Shade> = Vec::new();
    for sample in run.samples.iter().filter(|sample| holds(sample)) {
        let to = sample.time.checked_add(period).unwrap_or(sample.time);
        match shades.last_mut() {
            Some(last) if last.to == sample.time => last.to = to,
            _ => shades.push(Shade {
                from: sample.time,
                to,
            }),
        }
    }
    shades
}

/// Whether a run has too many datapoints for a line.
pub(super) fn is_long(run: &SimulationRun) -> bool {
    run.samples.len() > MOST_POINTS
}

/// The metric, interrupted where it is missing. A single point is a dot, because of the line's round ends.
pub(super) fn metric_path(run: &SimulationRun, time: &TimeAxis, value: &ValueAxis) -> String {
    let mut path = String::new();
    let mut missing = true;
    for sample in &run.samples {
        let x = time.x(sample.time);
        match sample.metric {
            Some(metric) => {
                let y = value.y(metric);
                // Writing to a string cannot fail.
                let _ = if missing {
                    write!(path, "M{x:.1} {y:.1}h0")
                } else {
                    write!(path, "L{x:.1} {y:.1}")
                };
                missing = false;
            }
            None => missing = true,
        }
    }
    path
}

/// The area from the lowest to the highest datapoint of each pixel, interrupted where a pixel has none.
pub(super) fn envelope_path(run: &SimulationRun, time: &TimeAxis, value: &ValueAxis) -> String {
    let mut path = String::new();
    let mut piece: Vec<(f64, f64, f64)> = Vec::new();
    let mut close = |piece: &mut Vec<(f64, f64, f64)>| {
        for (index, (x, _, high)) in piece.iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{x:.1} {high:.1}");
        }
        for (x, low, _) in piece.iter().rev() {
            let _ = write!(path, "L{x:.1} {low:.1}");
        }
        if !piece.is_empty() {
            path.push('Z');
        }
        piece.clear();
    };
    let pixel = |sample: &PeriodSample| time.x(sample.time).floor();
    for samples in run.samples.chunk_by(|a, b| pixel(a) == pixel(b)) {
        let known = || samples.iter().filter_map(|sample| sample.metric);
        match known().reduce(f64::min).zip(known().reduce(f64::max)) {
            Some((low, high)) => {
                piece.push((time.x(samples[0].time), value.y(low), value.y(high)));
            }
            None => close(&mut piece),
        }
    }
    close(&mut piece);
    path
}

/// A capacity, as a line that stays level until it changes.
pub(super) fn step_path(
    run: &SimulationRun,
    time: &TimeAxis,
    value: &ValueAxis,
    capacity: impl Fn(&TargetChange) -> f64,
) -> String {
    let mut path = String::new();
    let mut last = None;
    for step in &run.steps {
        let (x, capacity) = (time.x(step.time), capacity(step));
        let y = value.y(capacity);
        let _ = match last {
            None => write!(path, "M{x:.1} {y:.1}"),
            Some(last) if last == capacity => Ok(()),
            Some(_) => write!(path, "H{x:.1}V{y:.1}"),
        };
        last = Some(capacity);
    }
    let _ = write!(path, "H{:.1}", time.x(run.end));
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{alarm::AlarmState, policy::CapacityBounds, scaler::AlarmStates};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn run(metrics: &[Option<f64>]) -> SimulationRun {
        let sample = |(index, metric): (usize, &Option<f64>)| {
            let high = if metric.is_some_and(|metric| metric > 50.0) {
                AlarmState::Alarm
            } else {
                AlarmState::Ok
            };
            PeriodSample {
                time: at(i64::try_from(index).unwrap()),
                metric: *metric,
                metrics: vec![*metric],
                alarms: vec![AlarmStates {
                    high: Some(high),
                    low: None,
                }],
            }
        };
        let bounds = CapacityBounds { min: 1, max: 4 };
        SimulationRun {
            end: at(10),
            samples: metrics.iter().enumerate().map(sample).collect(),
            steps: vec![
                TargetChange {
                    time: at(0),
                    actual: 1.0,
                    desired: 1.0,
                    bounds,
                },
                TargetChange {
                    time: at(4),
                    actual: 1.0,
                    desired: 2.0,
                    bounds,
                },
                TargetChange {
                    time: at(5),
                    actual: 2.0,
                    desired: 2.0,
                    bounds,
                },
            ],
            activities: Vec::new(),
            stopped: None,
        }
    }

    fn axes() -> (TimeAxis, ValueAxis) {
        (
            TimeAxis::new(at(0), at(10), 0.0, 100.0),
            ValueAxis::new(0.0, 100.0, (0.0, 100.0)),
        )
    }

    #[test]
    fn the_metric_is_broken_where_it_is_missing() {
        let (time, value) = axes();
        let drawn = metric_path(
            &run(&[Some(10.0), Some(20.0), None, Some(60.0)]),
            &time,
            &value,
        );
        assert_eq!(drawn, "M0.0 90.0h0L10.0 80.0M30.0 40.0h0");
    }

    #[test]
    fn an_envelope_goes_from_the_lowest_to_the_highest_of_a_pixel() {
        // Five pixels for ten minutes, so two datapoints per pixel.
        let time = TimeAxis::new(at(0), at(10), 0.0, 5.0);
        let value = ValueAxis::new(0.0, 100.0, (0.0, 100.0));
        let metrics = [
            Some(10.0),
            Some(30.0),
            None,
            None,
            Some(20.0),
            None,
            Some(40.0),
        ];
        assert_eq!(
            envelope_path(&run(&metrics), &time, &value),
            "M0.0 70.0L0.0 90.0ZM2.0 80.0L3.0 60.0L3.0 60.0L2.0 80.0Z"
        );
    }

    #[test]
    fn a_capacity_stays_until_it_changes() {
        let (time, value) = axes();
        assert_eq!(
            step_path(&run(&[]), &time, &value, |step| step.actual),
            "M0.0 99.0H50.0V98.0H100.0"
        );
        assert_eq!(
            step_path(&run(&[]), &time, &value, |step| step.desired),
            "M0.0 99.0H40.0V98.0H100.0"
        );
    }

    #[test]
    fn periods_in_alarm_make_one_shade() {
        let shades = shades(
            &run(&[Some(60.0), Some(60.0), None, Some(60.0)]),
            SignedDuration::from_mins(1),
            |sample| sample.high() == Some(AlarmState::Alarm),
        );
        assert_eq!(
            shades,
            [
                Shade {
                    from: at(0),
                    to: at(2)
                },
                Shade {
                    from: at(3),
                    to: at(4)
                }
            ]
        );
    }
}
