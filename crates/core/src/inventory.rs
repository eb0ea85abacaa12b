//! The EC2 inventory: instances, their packages, and the operations on them.

mod browse;
mod creation_date;
mod filter;
mod packages;
mod ports;
mod record;

pub use browse::{
    BrowseInstances, FilterValues, InstanceMatch, InstanceSearch, MAX_FILTER_VALUES, MatchPage,
    PACKAGES_SHOWN,
};
pub use creation_date::{CreationDate, CreationDateError};
pub use filter::{InstanceFilter, PackageFilter, PageLimit, PageLimitError};
pub use packages::{Package, PackageName, PackageVersion, Packages, TooManyPackages};
pub use ports::{AddError, AddInstance, GetInstance, InstancePage, ListInstances, RemoveInstance};
pub use record::{AccountId, Instance, InstanceId, InstanceSummary, NewInstance, Region};
