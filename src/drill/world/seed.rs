//! Chance that is not: every name, uid and jitter of a world comes from its seed, in the order it was asked for.

/// The letters Kubernetes makes names of: no vowels, nothing that reads as another.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub struct Seed(u64);

impl Seed {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The end of a generated name.
    pub fn suffix(&mut self) -> String {
        let mut bits = self.next();
        (0..5)
            .map(|_| {
                let letter = letter(bits);
                bits /= 27;
                letter
            })
            .collect()
    }

    /// In the shape of a random UUID.
    pub fn uid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }
}

fn letter(bits: u64) -> char {
    LETTERS.get(usize::try_from(bits % 27).unwrap_or(0)).map_or('b', |byte| char::from(*byte))
}

/// One well-mixed number from another.
pub fn mix(from: u64) -> u64 {
    let mut z = from;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a, 64 bits.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A number as Kubernetes writes it into a pod-template-hash: its decimal digits, as safe letters.
pub fn safe(number: u32) -> String {
    number.to_string().bytes().map(|digit| letter(u64::from(digit))).collect()
}
