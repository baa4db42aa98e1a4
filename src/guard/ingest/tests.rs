use proptest::prelude::*;
use serde_json::json as value;

use super::*;

fn lines(chunks: &[&[u8]]) -> (Vec<String>, u64, u64) {
    let mut ingest = Ingest::new();
    let mut lines: Vec<String> = chunks.iter().flat_map(|chunk| ingest.push(chunk)).collect();
    lines.extend(ingest.finish());
    (lines, ingest.redacted(), ingest.cut_bytes())
}

fn all(bytes: &[u8]) -> Vec<String> {
    lines(&[bytes]).0
}

#[test]
fn lines_end_as_they_do_in_the_world() {
    let cases: &[(&[u8], &[&str])] = &[
        (b"", &[]),
        (b"a", &["a"]),
        (b"a\nb\n", &["a", "b"]),
        (b"a\r\nb\r\n", &["a", "b"]),
        (b"a\r\r\nb", &["a", "b"]),
        (b"10%\r50%\r100%\ndone", &["100%", "done"]),
        (b"10%\r50%\r", &["50%"]),
        (b"a\n\n\nb", &["a", "", "", "b"]),
        (b"a\tb\n\tc\r\td", &["a       b", "        d"]),
        (b"\xff\xc3\xa9\xe2\x82", &["\u{fffd}é\u{fffd}"]),
        ("x\u{2028}y".as_bytes(), &["x y"]),
    ];
    for (bytes, expected) in cases {
        assert_eq!(all(bytes), *expected, "{bytes:?}");
    }
}

#[test]
fn sequences_go_whole() {
    let cases: &[(&str, &str)] = &[
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mx\x1b[?25l\x1b[2J\x1b[1;1H", "x"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;aGVsbG8=\x1b\\b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b]0;never closed", "a"),
        ("a\x1b]0;never closed\nnext", "a\nnext"),
        ("a\x1bPq#0;1\x1b\\b\x1b_Gf=1\x1b\\c\x1b^x\x1b\\d\x1bXy\x1b\\e", "abcde"),
        ("a\x1bcb\x1b7c\x1b(Bd\x1b#8e\x1b%Gf", "abcdef"),
        ("a\u{9b}31mb\u{9d}0;t\u{9c}c\u{90}x\u{9c}d", "abcd"),
        ("a\x1b[31", "a"),
        ("a\x1b", "a"),
        ("a\x1b\x1b[1mb", "ab"),
        ("a\x1b[3\x18b", "ab"),
        ("a\x1bé", "aé"),
        ("a\x1b[1é", "aé"),
        ("a\x07\x08\x0b\x0c\x00\x7f\u{85}b", "ab"),
        ("user\u{202e}nimda\u{202c}\u{2066}x\u{2069}\u{200f}\u{feff}\u{e0041}\u{200b}\u{ad}", "usernimdax"),
        (r"\u001b[31m \x1b[31m ^[[31m", r"\u001b[31m \x1b[31m ^[[31m"),
    ];
    for (from, to) in cases {
        assert_eq!(text(from), *to, "{from:?}");
    }
}

#[test]
fn a_long_line_is_cut_at_a_word_and_counted() {
    let long = format!("{}{}", "word ".repeat(10_000), "x");
    let (shown, _, cut) = lines(&[long.as_bytes(), b"\nnext"]);
    assert_eq!(shown.len(), 2);
    assert!(shown[0].len() <= LINE_BYTES && shown[0].ends_with("word"));
    assert_eq!(shown[0].len() as u64 + cut, long.len() as u64);
    assert_eq!(shown[1], "next");
    // Half a token, which no rule would know, is not left at the end.
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let (shown, _, _) = lines(&[format!("{} {secret}", "y".repeat(LINE_BYTES - 20)).as_bytes()]);
    assert!(!shown[0].contains("ghp_"));
    let (shown, _, cut) = lines(&["z".repeat(100_000).as_bytes()]);
    assert_eq!((shown[0].len(), cut), (LINE_BYTES, 100_000 - LINE_BYTES as u64));
}

#[test]
fn a_sequence_cannot_hide_a_secret() {
    let (shown, hidden, _) = lines(&[b"pass\x1b[0mword=hun", "\u{200b}ter2\ntoken: \u{202e}abc".as_bytes()]);
    assert_eq!(shown, ["password=‹redacted:named-value›", "token: ‹redacted:named-line›"]);
    assert_eq!(hidden, 2);
}

#[test]
fn json_is_cleaned_inside_its_strings_and_redacted_by_its_shape() {
    let given = value!({
        "a\u{1b}[1m": "x\u{1b}[31my\n", "n": 1, "list": ["\u{9b}2Jz", null, true],
        "db": { "password": "hunter2", "pin_password": 1234, "user": "shop" },
        "env": [{ "name": "API_TOKEN", "value": "abc" }, { "name": "PORT", "value": "80" }],
        "secretName": "shop-db", "PWD": "/srv", "token": "${TOKEN}",
    });
    let mark = "‹redacted:named-value›";
    let expected = value!({
        "a": "xy\n", "n": 1, "list": ["z", null, true],
        "db": { "password": mark, "pin_password": mark, "user": "shop" },
        "env": [{ "name": "API_TOKEN", "value": mark }, { "name": "PORT", "value": "80" }],
        "secretName": "shop-db", "PWD": "/srv", "token": "${TOKEN}",
    });
    assert_eq!(json(given), expected);
    let secret = value!({ "kind": "Secret", "metadata": { "name": "s", "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{…}" } },
        "data": { "a": "YQ==" }, "stringData": { "b": "b" } });
    let list = value!({ "kind": "SecretList", "items": [{ "data": { "a": "YQ==" } }] });
    let shown = json(secret).to_string() + &json(list).to_string();
    assert_eq!(shown.matches("‹redacted:kube-secret›").count(), 4, "{shown}");
    assert!(!shown.contains("YQ==") && shown.contains(r#""name":"s""#));
    let map = value!({ "kind": "ConfigMap", "data": { "a": "YQ==" } });
    assert_eq!(json(map.clone()), map);
}

/// Bytes that are likely to end in the middle of something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<&[u8]> = vec![
        b"\x1b",
        b"[",
        b"]",
        b"31m",
        b"\\",
        b"\x07",
        b"\r",
        b"\n",
        b"\t",
        b"a b",
        "é".as_bytes(),
        "\u{9b}".as_bytes(),
        "\u{202e}".as_bytes(),
        "😀".as_bytes(),
        b"\xff",
        b"\xe2\x82",
        b"password=",
        b"hunter2",
        b"-----BEGIN PRIVATE KEY-----",
        b"-----END PRIVATE KEY-----",
        b"AAAA",
        b"\x18",
        b"P",
        b"x\x00y",
        b"\"token\":\"",
        b"\"",
    ];
    proptest::collection::vec(
        prop_oneof![proptest::sample::select(parts).prop_map(<[u8]>::to_vec), any::<u8>().prop_map(|byte| vec![byte])],
        0..40,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn chunking_makes_no_difference(bytes in bytes(), size in 1_usize..7) {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(lines(&chunks), lines(&[&bytes]));
    }

    #[test]
    fn nothing_that_comes_out_can_drive_a_terminal(bytes in bytes()) {
        for line in all(&bytes) {
            prop_assert!(!line.chars().any(|c| c.is_control() || crate::guard::clean::is_invisible(c)), "{:?}", line);
            prop_assert!(line.len() <= LINE_BYTES + 64);
        }
    }

    #[test]
    fn twice_is_once(bytes in bytes()) {
        let once = all(&bytes).join("\n");
        prop_assert_eq!(text(&once), once);
    }
}
