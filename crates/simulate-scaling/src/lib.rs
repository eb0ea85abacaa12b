//! Plays AWS Application Auto Scaling against a custom-resource endpoint: target tracking over a simulated time, with the
//! endpoint's own responses. The output is the activities, in AWS's words, and a plot.
//!
//! The core uses neither network nor clock: [`alarm`], [`policy`] and [`step`] are pure functions, [`scaler`] is the
//! state machine over them, [`contract`] reads a response. A [`target`] requests from an [`endpoint`] what was
//! decided, and [`simulation`] runs this over a time that jumps.

pub mod activities;
pub mod activity;
pub mod alarm;
pub mod clock;
pub mod contract;
pub mod credentials;
pub mod endpoint;
mod options;
mod outputs;
pub mod picture;
pub mod policy;
mod program;
pub mod registration;
pub mod scaler;
pub mod schedule;
pub mod series;
pub mod sign;
pub mod simulation;
pub mod step;
pub mod target;

pub use options::SimulationOptions;
pub use program::program;
