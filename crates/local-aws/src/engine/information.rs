//! `information_schema`, SHOW and DESCRIBE: the catalogue as rows.

pub(crate) mod content;
mod described;
pub(crate) mod shows;
pub(crate) mod tables;
