//! A tar archive of one file (POSIX ustar), as `kubectl cp` reads it.

/// The whole archive. A name of more than 100 bytes is cut.
pub fn one(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    put(&mut header, 0, 100, name.as_bytes());
    put(&mut header, 100, 8, b"0000644\0");
    put(&mut header, 108, 8, b"0001750\0");
    put(&mut header, 116, 8, b"0001750\0");
    put(&mut header, 124, 12, format!("{:011o}\0", content.len()).as_bytes());
    put(&mut header, 136, 12, b"00000000000\0");
    put(&mut header, 148, 8, b"        ");
    put(&mut header, 156, 1, b"0");
    put(&mut header, 257, 8, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut header, 148, 8, format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

fn put(header: &mut [u8; 512], at: usize, room: usize, bytes: &[u8]) {
    for (slot, byte) in header.iter_mut().skip(at).take(room).zip(bytes) {
        *slot = *byte;
    }
}
