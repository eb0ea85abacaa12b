//! The names of the functions, and what each needs.

use std::fmt;

use clap::ValueEnum;

/// One of the functions, by the name of its crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FunctionName {
    /// Adds an instance to the inventory.
    Ec2InventoryAdd,
    /// Gets an instance from the inventory.
    Ec2InventoryGet,
    /// Lists and searches the inventory.
    Ec2InventoryList,
    /// Removes an instance from the inventory.
    Ec2InventoryRemove,
    /// Gets a dimension's state.
    ScalableDimensionGet,
    /// Lists the stored dimensions.
    ScalableDimensionList,
    /// Changes a dimension's state.
    ScalableDimensionPatch,
    /// Answers books.
    Books,
    /// Answers authors.
    Authors,
    /// Reports whether the API and its stores respond.
    Health,
    /// Reports the running version.
    Metadata,
}

impl FunctionName {
    /// The function with the program `name`.
    pub(crate) fn of_program(name: &str) -> Option<Self> {
        Self::from_str(name, false).ok()
    }

    /// Whether it needs the location of the inventory.
    pub(crate) fn asks_the_inventory(self) -> bool {
        use FunctionName::*;
        matches!(
            self,
            Ec2InventoryAdd | Ec2InventoryGet | Ec2InventoryList | Ec2InventoryRemove | Health
        )
    }

    /// Whether it needs the location of the dimensions.
    pub(crate) fn asks_for_dimensions(self) -> bool {
        use FunctionName::*;
        self.scales() || self == Health
    }

    /// Whether it needs the scaling settings.
    pub(crate) fn scales(self) -> bool {
        use FunctionName::*;
        matches!(
            self,
            ScalableDimensionGet | ScalableDimensionList | ScalableDimensionPatch
        )
    }

    /// Whether it only reads a store.
    pub(crate) fn reads_a_store(self) -> bool {
        use FunctionName::*;
        matches!(
            self,
            Ec2InventoryGet | Ec2InventoryList | ScalableDimensionGet | ScalableDimensionList
        )
    }

    /// Whether it uses a store.
    pub(crate) fn needs_a_store(self) -> bool {
        self.asks_the_inventory() || self.asks_for_dimensions()
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value()
            .map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}
