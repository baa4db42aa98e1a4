//! The sealed line and the chain.

use proptest::prelude::*;
use qrh::timeline::chain::{Chain, check, merge};
use qrh::timeline::envelope::{Envelope, LineError};
use qrh::timeline::hlc::Hlc;
use qrh::timeline::identifier::{Digest, Writer};
use qrh::timeline::record::Mode;

use crate::sample::{self, after, incident, note, records, seal, seed, start, writer};

fn log() -> (Vec<Envelope>, Vec<u8>) {
    seal(&mut Chain::start(incident(), writer()), records(Mode::Live))
}

#[test]
fn every_kind_of_event_survives_the_log() {
    let (envelopes, bytes) = log();
    let checked = check(&writer(), &bytes).unwrap();
    assert_eq!(checked.envelopes, envelopes);
    assert_eq!(checked.whole, bytes.len());
    assert_eq!(checked.envelopes.len(), sample::happenings(Mode::Live).len());
}

#[test]
fn a_line_has_the_names_of_cloudevents() {
    let mut chain = Chain::start(incident(), writer());
    let (first, _) = chain.seal(note("one"), seed(start(), 7)).unwrap();
    let mut next = seed(after(1), 8);
    next.cause = Some(first.id);
    let (_, line) = chain.seal(note("two"), next).unwrap();
    insta::assert_snapshot!(String::from_utf8(line).unwrap(), @r#"{"specversion":"1.0","id":"01M84VAE330000000000000008","source":"ana_laptop","time":"2026-11-23T18:40:00.123Z","recordedtime":"2026-11-23T18:40:01.123Z","sequence":2,"correlationid":"01M84VAD3V28T5CY4TQKFF0492","causationid":"01M84VAD3V0000000000000007","hlc":"2026-11-23T18:40:01.123Z-0000","prev":"e525107791ac2656277104b66270ce6c6c82ecd4921b33e0340a7ad3079d6d8d","type":"qrh.note.added","data":{"text":"two"}}"#);
}

#[test]
fn a_chain_goes_on_where_its_log_ends() {
    let mut chain = Chain::start(incident(), writer());
    let (_, mut bytes) = seal(&mut chain, vec![note("one"), note("two")]);
    let mut resumed = check(&writer(), &bytes).unwrap().chain.unwrap();
    assert_eq!(resumed, chain);
    bytes.extend(resumed.seal(note("three"), seed(after(9), 3)).unwrap().1);
    let head = check(&writer(), &bytes).unwrap().chain.unwrap().head();
    assert_eq!(head.sequence, 3);
    assert_eq!(head.digest, Digest::of(bytes.split_inclusive(|byte| *byte == b'\n').next_back().unwrap()));
}

#[test]
fn damage_is_told_with_its_place() {
    let (_, bytes) = log();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let places = |lines: &[&[u8]]| check(&writer(), &lines.concat()).unwrap_err();

    let missing = places(&[&lines[..3], &lines[4..]].concat());
    assert_eq!((missing.line, missing.byte), (4, lines[..3].concat().len()));
    assert_eq!(missing.what, "sequence is 5, expected 4: a line is missing, doubled or out of place");

    let doubled = places(&[&lines[..3], &lines[2..]].concat());
    assert_eq!((doubled.line, doubled.what.starts_with("sequence is 3, expected 4")), (4, true));

    let text = String::from_utf8(bytes.clone()).unwrap();
    let changed = check(&writer(), text.replace("10 % errors", "1 % errors").as_bytes()).unwrap_err();
    assert_eq!((changed.line, changed.what.starts_with("prev is ")), (8, true), "{changed}");

    let broken = text.replacen("\"runbook_title\":", "\"runbook_title\";", 1);
    let broken = check(&writer(), broken.as_bytes()).unwrap_err();
    assert_eq!(broken.line, 1);
    let expected = text.find("\"runbook_title\":").unwrap() + "\"runbook_title\"".len();
    assert!(broken.byte.abs_diff(expected) <= 1, "{broken}, expected near byte {expected}");

    let foreign = check(&Writer::named("ben"), &bytes).unwrap_err();
    assert_eq!(foreign.what, "source is ana_laptop, but this log is written by ben");
}

#[test]
fn a_newer_event_is_named_and_not_passed_over() {
    let line = |from: &str, to: &str| {
        let (_, line) = Chain::start(incident(), writer()).seal(note("x"), seed(start(), 1)).unwrap();
        Envelope::open(String::from_utf8(line).unwrap().replace(from, to).as_bytes())
    };
    assert_eq!(
        line("qrh.note.added", "qrh.note.pinned").unwrap_err().to_string(),
        "event type \"qrh.note.pinned\" is unknown to this qrh: a newer version wrote it, use that version to read this log"
    );
    assert!(matches!(line("\"1.0\"", "\"2.0\""), Err(LineError::UnknownVersion { version }) if version == "2.0"));
    assert!(matches!(line("\"text\"", "\"words\""), Err(LineError::Shape { .. })));
    assert!(line("\"hlc\"", "\"comment\":\"an attribute of somebody else\",\"hlc\"").is_ok());
    assert_eq!(line("\n", ""), Err(LineError::Unfinished));
}

#[test]
fn a_cut_last_line_is_not_damage() {
    let (_, bytes) = log();
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in last..bytes.len() {
        let checked = check(&writer(), &bytes[..cut]).unwrap();
        assert_eq!(checked.whole, last);
    }
    assert_eq!(check(&writer(), b"").unwrap().chain, None);
}

#[test]
fn every_flipped_bit_before_the_last_line_is_found() {
    let (_, bytes) = seal(&mut Chain::start(incident(), writer()), vec![note("one"), note("two"), note("three")]);
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for bit in 0..last * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let found = check(&writer(), &flipped);
        assert!(found.is_err(), "bit {bit} went unnoticed: {}", String::from_utf8_lossy(&flipped));
        assert!(found.unwrap_err().byte < bytes.len());
    }
}

#[test]
fn a_line_that_is_too_long_leaves_the_chain_as_it_was() {
    let mut chain = Chain::start(incident(), writer());
    let before = chain.clone();
    assert!(matches!(chain.seal(note(&"x".repeat(9 << 20)), seed(start(), 1)), Err(LineError::TooLong { .. })));
    assert_eq!(chain, before);
}

#[test]
fn a_lost_segment_is_followed_by_a_later_one() {
    let mut chain = Chain::start(incident(), writer());
    let (mut first, _) = seal(&mut chain, vec![note("one")]);
    let mut second = chain.next_segment();
    let (mut later, bytes) = seal(&mut second, vec![note("two")]);
    assert_eq!(second.writer().to_string(), "ana_laptop-2");
    assert_eq!(check(second.writer(), &bytes).unwrap().envelopes, later);
    first.append(&mut later);
    assert_eq!(merge([first[1..].to_vec(), first[..1].to_vec()]), first);
}

#[test]
fn names_that_could_leave_the_directory_are_no_writers() {
    for bad in ["", "..", "a/b", "A", "a-1", "a-02", "a-2-3", "a.jsonl", "é", &"a".repeat(49)] {
        assert!(bad.parse::<Writer>().is_err(), "{bad:?}");
    }
    for text in ["", "../../x", "Ana Ruiz@host-7", "é", &"long".repeat(40)] {
        let writer = Writer::named(text);
        assert_eq!(writer.to_string().parse::<Writer>().unwrap(), writer);
        assert_eq!(writer.next_segment().to_string().parse::<Writer>().unwrap(), writer.next_segment());
    }
}

fn arbitrary_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    /// What is read back is what was written, to the last bit of every number.
    #[test]
    fn any_text_and_any_value_comes_back(text in any::<String>(), facts in arbitrary_json()) {
        let happening = qrh::timeline::record::Happening::FactsRead { facts };
        let facts = qrh::timeline::record::Record { time: start(), happening };
        let (envelopes, bytes) = seal(&mut Chain::start(incident(), writer()), vec![note(&text), facts]);
        prop_assert_eq!(bytes.split_inclusive(|byte| *byte == b'\n').count(), 2);
        prop_assert_eq!(check(&writer(), &bytes).unwrap().envelopes, envelopes);
    }

    /// No bytes at all make the reader panic.
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(&writer(), &bytes);
    }

    /// The clock runs forward whatever the wall does, and its text sorts as it counts.
    #[test]
    fn the_clock_never_steps_back(walls in prop::collection::vec(-1_000_000_i64..4_000_000_000_000, 2..60)) {
        let mut last = Hlc::default();
        for wall in walls {
            let next = last.tick(jiff::Timestamp::from_millisecond(wall).unwrap());
            prop_assert!(next > last);
            prop_assert!(next.to_string() > last.to_string());
            prop_assert_eq!(next.to_string().parse::<Hlc>().unwrap(), next);
            last = next;
        }
    }
}

#[test]
fn a_stopped_clock_counts_past_its_four_digits() {
    let mut last = Hlc::default().tick(start());
    for _ in 0..10_001 {
        let next = last.tick(start());
        assert!(next.to_string() > last.to_string());
        last = next;
    }
    assert_eq!(last.to_string(), "2026-11-23T18:40:00.124Z-0001");
    for bad in
        ["", "2026-11-23T18:40:00.123Z", "2026-11-23T18:40:00.123Z-1", "2026-11-23T18:40:00.123Z+0001", "1969-11-23T18:40:00.123Z-0001"]
    {
        assert!(bad.parse::<Hlc>().is_err(), "{bad:?}");
    }
}
