//! Takes out of a text everything that could drive a terminal or deceive an eye: control characters, escape sequences whole, and the
//! invisible characters that reorder or hide text. One character comes in, at most one goes out; the state lives across chunks.
//!
//! References: ECMA-48 and the parser of vt100.net for the sequences, Unicode TR 36 and CVE-2021-42574 for the invisible characters.
//! A sequence that is never closed ends at its line: it must not swallow what follows.

/// What a character turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleaned {
    /// Part of a sequence, or an invisible character.
    Nothing,
    Char(char),
    Tab,
    /// `\r`: the cursor goes back to the start of the line.
    Return,
    Newline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate (0x20–0x2F): one more such, or the final byte.
    Intermediate,
    /// In a control sequence, until its final byte (0x40–0x7E).
    Control,
    /// In an OSC, DCS, SOS, PM or APC string, until ST, BEL, CAN, SUB or the end of the line.
    Text,
}

/// The state between characters.
#[derive(Debug, Default)]
pub struct Cleaner {
    state: State,
}

impl Cleaner {
    /// Whether printable ASCII passes unchanged now.
    pub fn is_plain(&self) -> bool {
        self.state == State::Ground
    }

    pub fn step(&mut self, c: char) -> Cleaned {
        match c {
            '\n' | '\r' => {
                self.state = State::Ground;
                return if c == '\n' { Cleaned::Newline } else { Cleaned::Return };
            }
            '\u{1b}' => {
                self.state = State::Escape;
                return Cleaned::Nothing;
            }
            // CAN and SUB end any sequence, ST ends a string.
            '\u{18}' | '\u{1a}' | '\u{9c}' => {
                self.state = State::Ground;
                return Cleaned::Nothing;
            }
            '\u{9b}' => {
                self.state = State::Control;
                return Cleaned::Nothing;
            }
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => {
                self.state = State::Text;
                return Cleaned::Nothing;
            }
            _ => {}
        }
        match self.state {
            State::Ground => ground(c),
            State::Escape => self.escape(c),
            State::Intermediate => self.until_final(c, '0'..='~'),
            State::Control => self.until_final(c, '@'..='~'),
            State::Text => {
                if c == '\u{7}' {
                    self.state = State::Ground;
                }
                Cleaned::Nothing
            }
        }
    }

    fn escape(&mut self, c: char) -> Cleaned {
        self.state = match c {
            '[' => State::Control,
            ']' | 'P' | 'X' | '^' | '_' => State::Text,
            ' '..='/' => State::Intermediate,
            // Two bytes in all: `ESC c` resets a terminal, `ESC 7` saves its cursor.
            '0'..='~' => State::Ground,
            _ => {
                self.state = State::Ground;
                return ground(c);
            }
        };
        Cleaned::Nothing
    }

    fn until_final(&mut self, c: char, last: std::ops::RangeInclusive<char>) -> Cleaned {
        if last.contains(&c) {
            self.state = State::Ground;
            return Cleaned::Nothing;
        }
        // Parameters, and control characters in the middle: the sequence goes on, as on a terminal.
        if c < '\u{a0}' {
            return Cleaned::Nothing;
        }
        self.state = State::Ground;
        ground(c)
    }
}

fn ground(c: char) -> Cleaned {
    match c {
        '\t' => Cleaned::Tab,
        '\u{2028}' | '\u{2029}' => Cleaned::Char(' '),
        c if c.is_control() || is_invisible(c) => Cleaned::Nothing,
        c => Cleaned::Char(c),
    }
}

/// Characters that take no place and reorder, hide or smuggle text.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'                   // zero width, left-to-right and right-to-left marks
        | '\u{202a}'..='\u{202e}'                   // bidirectional embeddings and overrides
        | '\u{2060}'..='\u{206f}'                   // word joiner, invisible operators, bidirectional isolates
        | '\u{3164}' | '\u{ffa0}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' // variation selectors
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e007f}'                 // tags
    )
}
