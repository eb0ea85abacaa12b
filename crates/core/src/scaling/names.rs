//! A dimension's names, other than its id.

/// The three names in a dimension's state. They come from settings and are the same for every dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimensionNames {
    /// Stays constant: Application Auto Scaling drops a target whose version changes.
    pub version: String,
    /// The resource that is scaled.
    pub resource_name: String,
    /// The property of it that is scaled.
    pub dimension_name: String,
}

impl Default for DimensionNames {
    fn default() -> Self {
        Self {
            version: "MyVersion".to_owned(),
            resource_name: "MyService".to_owned(),
            dimension_name: "MyDimension".to_owned(),
        }
    }
}
