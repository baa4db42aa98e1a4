//! Exit codes, and how a failure is told: what failed, why, and what to do next.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// The exit codes of qrh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A failed check, or refused.
    Failed = 1,
    Usage = 2,
    Unreachable = 3,
    /// A change whose outcome nobody knows.
    Unknown = 4,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Ended by a signal: 128 and its number, as shells have it.
pub fn signal(number: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + number).unwrap_or(130))
}

#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn report(&self) -> ExitCode {
        let mut text = format!("qrh: {}\n", self.message.trim_end());
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "  {hint}");
        }
        // Nobody to tell: the exit code still does.
        let _ = std::io::stderr().write_all(text.as_bytes());
        self.code.into()
    }
}

/// What clap has to say: help and version are no failures.
pub fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { Code::Usage.into() } else { ExitCode::SUCCESS }
}
