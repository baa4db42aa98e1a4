//! Frames of SPDY/3.1: bytes in, what they say out, without any IO. Data comes out in pieces, so that a frame's length costs no memory.

use tokio_util::bytes::{Buf as _, Bytes, BytesMut};

use super::header::Inflater;
use super::{Broken, CONTROL, Headers, PIECE};

const VERSION: u16 = 3;
/// The last frame of a stream from this side.
const FIN: u8 = 1;
/// Why a connection is ended: 0 in order, 1 a protocol error.
const GOAWAY: u16 = 7;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Open {
        id: u32,
        headers: Headers,
        last: bool,
    },
    Data {
        id: u32,
        bytes: Bytes,
        last: bool,
    },
    Reset {
        id: u32,
    },
    Ping {
        id: u32,
    },
    GoAway,
    /// Replies, settings, windows, and what has no meaning here.
    Other,
}

/// A data frame of which some is still to come.
struct Begun {
    id: u32,
    left: usize,
    last: bool,
}

#[derive(Default)]
pub struct Decoder {
    inflater: Inflater,
    data: Option<Begun>,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl Decoder {
    /// The next frame that is there as a whole. None: more bytes are needed.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, Broken> {
        if self.data.is_none() {
            let (Some(first), Some(second)) = (word(buffer, 0), word(buffer, 4)) else { return Ok(None) };
            let (flags, length) = (second.to_be_bytes()[0], usize::try_from(second & 0x00ff_ffff).unwrap_or(usize::MAX));
            if first >> 31 == 1 {
                return self.control(buffer, (first, flags, length));
            }
            buffer.advance(8);
            self.data = Some(Begun { id: first, left: length, last: flags & FIN != 0 });
        }
        let Some(mut begun) = self.data.take() else { return Ok(None) };
        let take = begun.left.min(PIECE).min(buffer.len());
        if take == 0 && begun.left > 0 {
            self.data = Some(begun);
            return Ok(None);
        }
        begun.left -= take;
        let (id, last) = (begun.id, begun.last && begun.left == 0);
        if begun.left > 0 {
            self.data = Some(begun);
        }
        Ok(Some(Frame::Data { id, bytes: buffer.split_to(take).freeze(), last }))
    }

    fn control(&mut self, buffer: &mut BytesMut, (first, flags, length): (u32, u8, usize)) -> Result<Option<Frame>, Broken> {
        let [high, low, kind_high, kind_low] = first.to_be_bytes();
        let version = u16::from_be_bytes([high & 0x7f, low]);
        if version != VERSION {
            return Err(Broken::Version(version));
        }
        if length > CONTROL {
            return Err(Broken::Long(length));
        }
        if buffer.len() < 8 + length {
            return Ok(None);
        }
        buffer.advance(8);
        let payload = buffer.split_to(length);
        let id = || word(&payload, 0).map(|id| id & 0x7fff_ffff).ok_or(Broken::Short);
        Ok(Some(match u16::from_be_bytes([kind_high, kind_low]) {
            1 => Frame::Open { id: id()?, headers: self.headers(&payload, 10)?, last: flags & FIN != 0 },
            // The state of the compression goes through every block, wanted or not.
            2 | 8 => {
                self.headers(&payload, 4)?;
                Frame::Other
            }
            3 => Frame::Reset { id: id()? },
            6 => Frame::Ping { id: word(&payload, 0).ok_or(Broken::Short)? },
            GOAWAY => Frame::GoAway,
            _ => Frame::Other,
        }))
    }

    fn headers(&mut self, payload: &[u8], at: usize) -> Result<Headers, Broken> {
        self.inflater.headers(payload.get(at..).ok_or(Broken::Short)?)
    }
}

fn control(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(8 + payload.len());
    frame.extend_from_slice(&(0x8000 | VERSION).to_be_bytes());
    frame.extend_from_slice(&kind.to_be_bytes());
    frame.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The stream is taken; `block` is a compressed header block.
pub fn reply(id: u32, block: &[u8]) -> Vec<u8> {
    control(2, &[&id.to_be_bytes(), block].concat())
}

/// The stream is refused, or of no use any more.
pub fn reset(id: u32, why: Reset) -> Vec<u8> {
    control(3, &[id.to_be_bytes(), (why as u32).to_be_bytes()].concat())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    Protocol = 1,
    InvalidStream = 2,
    Refused = 3,
    Cancel = 5,
}

pub fn pong(id: u32) -> Vec<u8> {
    control(6, &id.to_be_bytes())
}

/// The connection ends over something the other side sent after this stream.
pub fn goaway(newest: u32) -> Vec<u8> {
    control(GOAWAY, &[newest.to_be_bytes(), 1_u32.to_be_bytes()].concat())
}

/// So many bytes were taken of a stream (0: of the connection), and as many may come.
pub fn window(id: u32, bytes: u32) -> Vec<u8> {
    control(9, &[id.to_be_bytes(), bytes.to_be_bytes()].concat())
}

/// At most 16 MiB less one byte of data.
pub fn data(id: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    let mut frame = Vec::with_capacity(8 + bytes.len());
    frame.extend_from_slice(&id.to_be_bytes());
    let length = u32::try_from(bytes.len()).unwrap_or(0) & 0x00ff_ffff;
    frame.extend_from_slice(&(u32::from(if last { FIN } else { 0 }) << 24 | length).to_be_bytes());
    frame.extend_from_slice(bytes);
    frame
}
