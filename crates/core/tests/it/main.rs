//! The state machines of a dimension against models, over random histories.

mod demo;
mod production;
