//! Header blocks: name and value pairs in one zlib stream for each direction, which begins with SPDY's dictionary.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::dictionary::DICTIONARY;
use super::{Broken, Headers};

/// Bytes of one block when it is unpacked.
const BLOCK: usize = 64 * 1024;
/// Pairs of one block.
const PAIRS: usize = 64;
/// How far back deflate can refer.
const WINDOW: usize = 32 * 1024;
/// The dictionary's Adler-32.
const DICTIONARY_ID: u32 = 0xe3c6_a7c2;

/// The other side's stream. What it said before is the ground of what it says next.
pub struct Inflater {
    state: Box<DecompressorOxide>,
    window: Vec<u8>,
    at: usize,
    begun: bool,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { state: Box::default(), window: vec![0; WINDOW], at: 0, begun: false }
    }
}

impl Inflater {
    pub fn headers(&mut self, block: &[u8]) -> Result<Headers, Broken> {
        parse(&self.inflate(block)?).ok_or(Broken::Headers)
    }

    /// zlib's own head is read here: what inflates knows no dictionaries. It gets this one as if it had written it itself.
    fn begin<'a>(&mut self, block: &'a [u8]) -> Option<&'a [u8]> {
        let (head, rest) = block.split_at_checked(2)?;
        let method = u16::from_be_bytes(head.try_into().ok()?);
        if method % 31 != 0 || method >> 8 & 0x0f != 8 {
            return None;
        }
        self.begun = true;
        if method & 0x20 == 0 {
            return Some(rest);
        }
        let (id, rest) = rest.split_at_checked(4)?;
        if id != DICTIONARY_ID.to_be_bytes() {
            return None;
        }
        for (slot, byte) in self.window.iter_mut().zip(DICTIONARY) {
            *slot = *byte;
        }
        self.at = DICTIONARY.len();
        Some(rest)
    }

    fn inflate(&mut self, block: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut rest = if self.begun { block } else { self.begin(block).ok_or(Broken::Headers)? };
        let mut all = Vec::new();
        loop {
            let (status, read, written) = decompress(&mut self.state, rest, &mut self.window, self.at, TINFL_FLAG_HAS_MORE_INPUT);
            all.extend_from_slice(self.window.get(self.at..self.at + written).ok_or(Broken::Headers)?);
            self.at = (self.at + written) % WINDOW;
            rest = rest.get(read..).unwrap_or_default();
            // A stream of headers never ends while its connection lasts.
            if all.len() > BLOCK || !matches!(status, TINFLStatus::HasMoreOutput | TINFLStatus::NeedsMoreInput) {
                return Err(Broken::Headers);
            }
            if status == TINFLStatus::NeedsMoreInput {
                return Ok(all);
            }
        }
    }
}

fn parse(mut block: &[u8]) -> Option<Headers> {
    let pairs = usize::try_from(number(&mut block)?).ok().filter(|pairs| *pairs <= PAIRS)?;
    let mut headers = Headers::default();
    for _ in 0..pairs {
        let name = piece(&mut block)?.to_ascii_lowercase();
        headers.0.push((name, piece(&mut block)?));
    }
    Some(headers)
}

fn number(block: &mut &[u8]) -> Option<u32> {
    let (number, rest) = block.split_first_chunk::<4>()?;
    *block = rest;
    Some(u32::from_be_bytes(*number))
}

fn piece(block: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(number(block)?).ok()?;
    let (piece, rest) = block.split_at_checked(length)?;
    *block = rest;
    Some(String::from_utf8_lossy(piece).into_owned())
}

/// This side's stream. It says little, so it is not made smaller: stored blocks, each flushed.
#[derive(Default)]
pub struct Deflater {
    begun: bool,
}

impl Deflater {
    /// A block without any header: all a reply has to say.
    pub fn empty(&mut self) -> Vec<u8> {
        let mut block = Vec::new();
        if !self.begun {
            self.begun = true;
            block.extend_from_slice(&[0x78, 0xbb]);
            block.extend_from_slice(&DICTIONARY_ID.to_be_bytes());
        }
        let pairs = 0_u32.to_be_bytes();
        block.extend_from_slice(&[0, 4, 0, 0xfb, 0xff]);
        block.extend_from_slice(&pairs);
        // An empty stored block makes the reader hand over what it has.
        block.extend_from_slice(&[0, 0, 0, 0xff, 0xff]);
        block
    }
}
