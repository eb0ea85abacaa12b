//! What every HTTP listener of a server has at its edge: the API's, and that of the local AWS endpoints.

mod site;

pub use site::{ForeignSite, SiteRules};
