//! Documents with mistakes: one file per mistake under `tests/data/bad_runbooks/`, each with a snapshot of what its author reads.

use std::fs;
use std::path::{Path, PathBuf};

use qrh::runbook::diagnostic::{self, Severity};
use qrh::runbook::lint::rule::Rule;
use qrh::runbook::source::SourceFile;
use qrh::runbook::{Loaded, load};

fn data(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(path: &Path) -> (SourceFile, Loaded) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let file = SourceFile::new(name.clone(), fs::read(path).unwrap());
    let loaded = load(&file, name.contains("strict"));
    (file, loaded)
}

#[test]
fn every_mistake_is_told_as_its_snapshot_says() {
    let files = data("bad_runbooks");
    assert!(files.len() >= 45, "only {} files", files.len());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "snapshots/bad_runbooks" }, {
        for path in files {
            let (file, loaded) = read(&path);
            let page = diagnostic::render(&file, &loaded.diagnostics, false);
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), page);
        }
    });
}
