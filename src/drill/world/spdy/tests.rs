use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::bytes::{Bytes, BytesMut};

use super::dictionary::DICTIONARY;
use super::frame::{self, Decoder, Frame};
use super::header::{Deflater, Inflater};
use super::{Broken, CONTROL, PIECE, STREAMS, Stream, open};

/// A header block that is not made smaller.
fn block(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut plain = u32::try_from(pairs.len()).unwrap().to_be_bytes().to_vec();
    for word in pairs.iter().flat_map(|(name, value)| [name, value]) {
        plain.extend(u32::try_from(word.len()).unwrap().to_be_bytes());
        plain.extend(word.as_bytes());
    }
    stored(&plain)
}

/// A stored block and an empty one, without zlib's head.
fn stored(plain: &[u8]) -> Vec<u8> {
    let length = u16::try_from(plain.len()).unwrap();
    [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), plain, &[0, 0, 0, 0xff, 0xff]].concat()
}

fn first(block: &[u8]) -> Vec<u8> {
    [&[0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2], block].concat()
}

fn control(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0x80, 3, 0, kind, 0][..], &length[1..], payload].concat()
}

fn syn(id: u32, block: &[u8]) -> Vec<u8> {
    control(1, &[&id.to_be_bytes()[..], &[0; 6], block].concat())
}

fn decode(bytes: &[u8]) -> (Vec<Frame>, Option<Broken>) {
    let (mut decoder, mut buffer, mut frames) = (Decoder::default(), BytesMut::from(bytes), Vec::new());
    loop {
        match decoder.next(&mut buffer) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(broken) => return (frames, Some(broken)),
        }
    }
}

#[test]
fn the_dictionary_is_the_protocols() {
    assert_eq!(DICTIONARY.len(), 1423);
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in DICTIONARY {
        low = (low + u32::from(*byte)) % 65521;
        high = (high + low) % 65521;
    }
    assert_eq!(high << 16 | low, 0xe3c6_a7c2);
}

#[test]
fn blocks_refer_to_the_dictionary_and_to_each_other() {
    // Written by zlib with the dictionary, level 9, and flushed: two blocks of one stream.
    let one = b"x\xf9\xe3\xc6\xa7\xc2\x02%op:+)JM\xcc\x85\x16%\xac\xa9\xa0\x80\x86\x14\xcbE\xe0\x1c\x00LR\x06@\x9a\xb3\x08\x12\x8d\x99\xa0\xe4\xcdh\x80\x91\xda\x01\x00\x00\x00\xff\xff";
    let two = b"\x02Q\x18\xa6\x81\x0a\xa6D\xc2\x86\x01\x00\x00\x00\xff\xff";
    let mut inflater = Inflater::default();
    let headers = inflater.headers(one).unwrap();
    assert_eq!((headers.get("streamtype"), headers.get("Port"), headers.get("method")), ("error", "3000", "get"));
    let headers = inflater.headers(two).unwrap();
    assert_eq!((headers.get("streamType"), headers.get("requestid"), headers.get("none")), ("data", "0", ""));
    assert_eq!(Inflater::default().headers(two), Err(Broken::Headers), "without the first it means nothing");
}

#[test]
fn our_blocks_can_be_read_in_a_row() {
    let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
    for _ in 0..3 {
        assert_eq!(inflater.headers(&deflater.empty()).unwrap().get("x"), "");
    }
}

#[test]
fn frames_come_whole_and_data_in_pieces() {
    let long = vec![7; PIECE + 10];
    let bytes = [syn(1, &first(&block(&[("streamtype", "data")]))), frame::data(1, &long, true), control(6, &[0, 0, 0, 9])].concat();
    let (frames, broken) = decode(&bytes);
    assert_eq!(broken, None);
    assert!(matches!(&frames[0], Frame::Open { id: 1, headers, last: false } if headers.get("streamtype") == "data"));
    let piece = |bytes: &[u8], last| Frame::Data { id: 1, bytes: Bytes::copy_from_slice(bytes), last };
    assert_eq!(frames[1..], [piece(&long[..PIECE], false), piece(&long[PIECE..], true), Frame::Ping { id: 9 }]);
    for cut in 0..bytes.len() {
        assert_eq!(decode(&bytes[..cut]).1, None, "the rest may still come");
    }
}

#[test]
fn what_breaks_the_rules_is_named() {
    assert_eq!(decode(&[0x80, 2, 0, 6, 0, 0, 0, 0]).1, Some(Broken::Version(2)));
    assert_eq!(decode(&[0x80, 3, 0, 6, 0, 2, 0, 0]).1, Some(Broken::Long(2 * CONTROL)));
    assert_eq!(decode(&control(6, &[0])).1, Some(Broken::Short));
    assert_eq!(decode(&syn(1, &[1, 2, 3, 4])).1, Some(Broken::Headers));
    let many: Vec<(String, String)> = (0..100).map(|at| (format!("h{at}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(decode(&syn(1, &first(&block(&many)))).1, Some(Broken::Headers));
    // A megabyte of zeroes in a kilobyte.
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 1024 * 1024], 9);
    assert_eq!(decode(&syn(1, &first(&bomb))).1, Some(Broken::Headers));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        decode(&bytes);
        let _ = Inflater::default().headers(&bytes);
        let _ = Inflater::default().headers(&first(&bytes));
    }

    #[test]
    fn no_damage_panics(at in 0_usize..400, byte: u8, kinds in proptest::collection::vec((0_u8..12, 0_usize..40), 0..12)) {
        let mut bytes = syn(1, &first(&block(&[("streamtype", "data"), ("port", "3000")])));
        for (kind, length) in kinds {
            bytes.extend(control(kind, &vec![kind; length]));
            bytes.extend(frame::data(u32::from(kind), &vec![1; length], kind == 3));
        }
        let at = at % bytes.len();
        bytes[at] = byte;
        let (frames, _) = decode(&bytes);
        let said: usize = frames.iter().map(|frame| if let Frame::Data { bytes, .. } = frame { bytes.len() } else { 0 }).sum();
        prop_assert!(said <= bytes.len());
    }
}

/// What this side wrote, up to its end or a pause.
async fn written(client: &mut (impl tokio::io::AsyncRead + Unpin), until: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut all = Vec::new();
    let read = async { while !until(&all) && client.read_buf(&mut all).await.unwrap_or(0) > 0 {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), read).await.expect("an answer");
    all
}

#[tokio::test]
async fn a_stream_carries_both_ways_and_ends_on_each_side() {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let (mut streams, running) = open(server);
    let running = tokio::spawn(running);
    client.write_all(&syn(1, &first(&block(&[("streamtype", "data")])))).await.unwrap();
    client.write_all(&frame::data(1, b"to you", true)).await.unwrap();
    let Stream { id, mut inlet, outlet, .. } = streams.recv().await.unwrap();
    assert_eq!((id, inlet.next().await.as_deref()), (1, Some(&b"to you"[..])));
    assert_eq!(inlet.next().await, None, "it was ended");
    outlet.send(b"to me").await.unwrap();
    outlet.end().await;
    let end = frame::data(1, b"", true);
    let all = written(&mut client, |all| all.ends_with(&end)).await;
    let has = |part: &[u8]| all.windows(part.len()).any(|window| window == part);
    assert!(has(&frame::data(1, b"to me", false)));
    assert!(has(&frame::window(1, 6)) && has(&frame::window(0, 6)), "what was taken is announced");
    drop((client, outlet));
    running.await.unwrap();
    assert!(streams.recv().await.is_none());
}

#[tokio::test]
async fn nonsense_ends_the_connection_with_goaway() {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let (_streams, running) = open(server);
    let running = tokio::spawn(running);
    client.write_all(b"\x80\x09nonsense").await.unwrap();
    let all = written(&mut client, |_| false).await;
    assert_eq!(all, frame::goaway(0));
    running.await.unwrap();
}

#[tokio::test]
async fn pings_are_answered_and_wrong_streams_refused() {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let (streams, running) = open(server);
    let running = tokio::spawn(running);
    client.write_all(&control(6, &[0, 0, 0, 5])).await.unwrap();
    client.write_all(&syn(2, &first(&block(&[])))).await.unwrap();
    client.write_all(&frame::data(99, b"x", false)).await.unwrap();
    // More streams than there is room for, and nobody who takes them.
    for number in 0..u32::try_from(STREAMS).unwrap() + 2 {
        client.write_all(&syn(number * 2 + 1, &block(&[]))).await.unwrap();
    }
    client.write_all(&control(6, &[0, 0, 0, 7])).await.unwrap();
    let all = written(&mut client, |all| all.ends_with(&frame::pong(7))).await;
    let has = |part: &[u8]| all.windows(part.len()).any(|window| window == part);
    assert!(has(&frame::pong(5)));
    assert!(has(&frame::reset(2, frame::Reset::Protocol)), "streams of a client are odd");
    assert!(has(&frame::reset(99, frame::Reset::InvalidStream)));
    assert!(has(&frame::reset(u32::try_from(STREAMS).unwrap() * 2 + 1, frame::Reset::Refused)));
    drop((client, streams));
    running.await.unwrap();
}
