//! Replays the corpus of the fuzz targets.

use std::{fs, panic::catch_unwind, path::Path};

use fleet_fuzzing::CHECKS;

#[test]
fn the_corpus_of_every_target_holds() {
    for (name, check) in CHECKS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../fuzz/corpus")
            .join(name);
        let files: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(
            files.len() >= 10,
            "{}: {} files",
            folder.display(),
            files.len()
        );
        for file in &files {
            let bytes = fs::read(file).unwrap();
            assert!(catch_unwind(|| check(&bytes)).is_ok(), "{}", file.display());
        }
        println!("{name}: {} files of the corpus hold", files.len());
    }
}
