//! A queue: work arrives, waits, and is done by the existing units.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::series::Series;

/// The arrivals, and how they are processed.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// How much arrives per minute.
    pub arrivals: Series,
    /// How much a unit does per minute.
    pub work: f64,
    /// How long a new unit takes to start working.
    pub start_up: SignedDuration,
}

/// The waiting work, and the units that work on it.
#[derive(Clone, Debug)]
pub(super) struct Backlog {
    queue: Queue,
    now: Timestamp,
    stock: f64,
    /// The current arrivals per minute.
    arrivals: f64,
    working: f64,
    /// When units that were added start working, and how many.
    starting: VecDeque<(Timestamp, f64)>,
}

impl Backlog {
    /// A backlog with nothing waiting and all of `units` working.
    pub(super) fn new(queue: Queue, now: Timestamp, units: f64) -> Self {
        Self {
            queue,
            now,
            stock: 0.0,
            arrivals: 0.0,
            working: units,
            starting: VecDeque::new(),
        }
    }

    /// How much work is waiting.
    pub(super) fn waiting(&self) -> f64 {
        self.stock
    }

    /// Sets the arrivals per minute from now on.
    pub(super) fn arrive(&mut self, in_a_minute: f64) {
        self.arrivals = in_a_minute.max(0.0);
    }

    /// Lets work arrive and be done until `to`.
    pub(super) fn advance(&mut self, to: Timestamp) {
        while let Some((_, units)) = self.starting.pop_front_if(|(ready, _)| {
            let until = (*ready).min(to);
            let minutes = until.duration_since(self.now).as_secs_f64() / 60.0;
            if minutes > 0.0 {
                let change = self.arrivals - self.working * self.queue.work;
                self.stock = (self.stock + change * minutes).max(0.0);
                self.now = until;
            }
            *ready <= to
        }) {
            self.working += units;
        }
        let minutes = to.duration_since(self.now).as_secs_f64() / 60.0;
        let change = self.arrivals - self.working * self.queue.work;
        self.stock = (self.stock + change * minutes).max(0.0);
        self.now = to;
    }

    /// Changes the number of units from now on. Those that started last are removed first.
    pub(super) fn resize(&mut self, now: Timestamp, units: f64) {
        let starting: f64 = self.starting.iter().map(|(_, units)| units).sum();
        let mut more = units - self.working - starting;
        if more > 0.0 {
            if self.queue.start_up.is_zero() {
                self.working += more;
            } else {
                let ready = now
                    .checked_add(self.queue.start_up)
                    .unwrap_or(Timestamp::MAX);
                self.starting.push_back((ready, more));
            }
            return;
        }
        while more < 0.0 {
            let Some((_, units)) = self.starting.back_mut() else {
                self.working = (self.working + more).max(0.0);
                return;
            };
            if *units + more > 0.0 {
                *units += more;
                return;
            }
            more += *units;
            self.starting.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn backlog(units: f64, start_up: i64) -> Backlog {
        let queue = Queue {
            arrivals: Series::parse("constant(value=0)").unwrap(),
            work: 10.0,
            start_up: SignedDuration::from_secs(start_up),
        };
        let mut backlog = Backlog::new(queue, at(0), units);
        backlog.arrive(25.0);
        backlog
    }

    #[test]
    fn what_nobody_does_accumulates() {
        let mut backlog = backlog(1.0, 0);
        backlog.advance(at(60));
        assert_eq!(backlog.waiting(), 15.0);
        backlog.advance(at(180));
        assert_eq!(backlog.waiting(), 45.0);
        // More units than needed drain it, but not below zero.
        backlog.resize(at(180), 4.0);
        backlog.advance(at(240));
        assert_eq!(backlog.waiting(), 30.0);
        backlog.advance(at(600));
        assert_eq!(backlog.waiting(), 0.0);
    }

    #[test]
    fn a_new_unit_works_once_it_has_started() {
        let mut backlog = backlog(1.0, 120);
        backlog.resize(at(0), 3.0);
        backlog.advance(at(60));
        assert_eq!(backlog.waiting(), 15.0);
        // In the middle of a time step: a minute with one unit, a minute with three.
        backlog.advance(at(180));
        assert_eq!(backlog.waiting(), 25.0);
    }

    #[test]
    fn what_has_begun_last_ends_first() {
        let mut backlog = backlog(1.0, 120);
        backlog.resize(at(0), 3.0);
        backlog.resize(at(60), 4.0);
        backlog.resize(at(60), 2.0);
        backlog.advance(at(120));
        assert_eq!((backlog.working, backlog.starting.len()), (2.0, 0));
        backlog.resize(at(120), 0.0);
        assert_eq!(backlog.working, 0.0);
    }
}
