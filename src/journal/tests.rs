//! The bounds of an output file, with limits small enough to see.

use super::output::{Limits, OutputFile};
use crate::timeline::identifier::EventId;

/// Writes `count` numbered lines of eight bytes; gives the file's text and the bytes cut.
fn written(count: usize) -> (String, u64) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("out")).unwrap();
    let mut file = OutputFile::with_limits(dir.path(), EventId(ulid::Ulid::nil()), Limits { head: 800, tail: 160 });
    for number in 0..count {
        file.line(&format!("line{number:03}")).unwrap();
    }
    let output = file.finish().unwrap().unwrap();
    let text = std::fs::read_to_string(dir.path().join(&output.file)).unwrap();
    assert_eq!(text.len() as u64, output.bytes);
    (text, output.cut_bytes)
}

#[test]
fn a_long_output_keeps_its_head_and_its_tail_and_says_what_is_missing() {
    let (text, cut) = written(120);
    assert_eq!((text.lines().count(), cut), (120, 0));
    assert!(text.lines().enumerate().all(|(number, line)| line == format!("line{number:03}")), "{text}");
    let (text, cut) = written(121);
    assert_eq!(cut, 8);
    assert!(text.contains("line099\n[qrh: 8 bytes cut here: the limit of one output was reached]\nline101\n"), "{text}");
    let (text, cut) = written(900);
    assert_eq!(cut, (900 - 120) * 8);
    assert!(text.starts_with("line000\n") && text.ends_with("line898\nline899\n"));
    assert_eq!(text.lines().count(), 121);
}

#[test]
fn a_line_larger_than_the_tail_is_cut_whole() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("out")).unwrap();
    let mut file = OutputFile::with_limits(dir.path(), EventId(ulid::Ulid::nil()), Limits { head: 10, tail: 10 });
    file.line(&"x".repeat(500)).unwrap();
    file.line("end").unwrap();
    let output = file.finish().unwrap().unwrap();
    assert_eq!(output.cut_bytes, 501);
    let text = std::fs::read_to_string(dir.path().join(&output.file)).unwrap();
    assert_eq!(text, "[qrh: 501 bytes cut here: the limit of one output was reached]\nend\n");
}
