//! Writes the OpenAPI document to the file that the function `metadata` returns.

use std::{error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    fs::write(fleet_openapi::file(), fleet_openapi::text()?)?;
    Ok(())
}
