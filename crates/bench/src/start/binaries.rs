//! The functions' programs: builds and finds them, and measures their size.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::{Compression, write::DeflateEncoder};
use serde_json::Value;

use super::functions::workspace;
use crate::error::BenchError;

/// Programs by their names.
pub(crate) struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// Builds the packages as a release. Cargo reports its progress on standard error.
    pub(crate) fn build(packages: &[&str]) -> Result<Self, BenchError> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--message-format",
                "json-render-diagnostics",
            ])
            .args(packages.iter().flat_map(|package| ["--package", package]))
            .current_dir(workspace())
            .stderr(Stdio::inherit())
            .output()?;
        if !built.status.success() {
            return Err("the functions could not be built".into());
        }
        Ok(Self(built_programs(&String::from_utf8(built.stdout)?)))
    }

    /// Programs in a folder, such as `target/release`.
    pub(crate) fn of(folder: &Path, names: &[&str]) -> Self {
        Self(
            names
                .iter()
                .map(|name| ((*name).to_owned(), folder.join(name)))
                .collect(),
        )
    }

    pub(crate) fn program(&self, name: &str) -> Result<&Path, BenchError> {
        match self.0.get(name) {
            Some(file) if file.is_file() => Ok(file),
            Some(file) => Err(format!("there is no program {}", file.display()).into()),
            None => Err(format!("the program {name} was not built").into()),
        }
    }
}

/// The programs in cargo's messages, one JSON object per line.
fn built_programs(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?;
            Some((name.to_owned(), message["executable"].as_str()?.into()))
        })
        .collect()
}

/// The size of a program in bytes, and of a zip file with it, not counting the few bytes of the zip's own header.
pub(crate) fn sizes(program: &Path) -> Result<(u64, u64), BenchError> {
    let bytes = fs::read(program)?;
    let mut zipped = DeflateEncoder::new(ByteCount(0), Compression::default());
    zipped.write_all(&bytes)?;
    Ok((bytes.len() as u64, zipped.finish()?.0))
}

/// Counts the bytes written to it.
struct ByteCount(u64);

impl Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"books","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"books","kind":["bin"]},"executable":"/t/release/books"}
{"reason":"compiler-message","target":{"name":"health"},"executable":"/t/none"}
not JSON
{"reason":"build-finished","success":true}"#;
        let programs = built_programs(messages);
        let found: Vec<_> = programs.iter().collect();
        assert_eq!(
            found,
            [(&"books".to_owned(), &PathBuf::from("/t/release/books"))]
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let binaries = Binaries::of(folder.path(), &["books"]);
        let missing = binaries.program("books").unwrap_err().to_string();
        assert!(missing.ends_with("/books"), "{missing}");
        assert!(binaries.program("health").is_err());
        fs::write(folder.path().join("books"), vec![7; 100_000]).unwrap();
        let (size, zipped) = sizes(binaries.program("books").unwrap()).unwrap();
        assert_eq!(size, 100_000);
        assert!((1..1_000).contains(&zipped), "{zipped}");
    }
}
