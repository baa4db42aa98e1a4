//! What a Node process was told about its inspector: by NODE_OPTIONS, and by the flags before its script.

use serde_json::Value;

use crate::drill::world::json::{list, text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// It listens from the start.
    pub open: bool,
    pub host: String,
    /// 0: one that is free.
    pub port: u16,
    /// SIGUSR1 opens it. False: the signal is blocked, and nothing comes of it.
    pub signal: bool,
    /// Flags of its command line, as `process.execArgv` has them.
    pub flags: Vec<String>,
}

impl Options {
    pub fn of(container: &Value) -> Self {
        let words = |path: &str| list(container, path).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        let command = [words("/command"), words("/args")].concat();
        let node = command.first().is_some_and(|program| program.rsplit('/').next() == Some("node"));
        let flags: Vec<String> = command.into_iter().skip(1).take_while(|word| node && word.starts_with('-')).collect();
        let environment = list(container, "/env").iter().find(|entry| text(entry, "/name") == "NODE_OPTIONS");
        let said = environment.map_or("", |entry| text(entry, "/value"));
        let mut options = Self { open: false, host: "127.0.0.1".to_owned(), port: 9229, signal: true, flags: flags.clone() };
        // The command line has the last word.
        for word in said.split_whitespace().chain(flags.iter().map(String::as_str)) {
            options.take(word);
        }
        options
    }

    fn take(&mut self, word: &str) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name.replace('_', "-").as_str() {
            "--inspect" | "--inspect-brk" | "--inspect-wait" => {
                self.open = true;
                self.address(value);
            }
            "--inspect-port" | "--debug-port" => self.address(value),
            "--disable-sigusr1" => self.signal = false,
            _ => {}
        }
    }

    /// `host:port`, or either of them.
    fn address(&mut self, text: &str) {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port),
            None if text.chars().all(|letter| letter.is_ascii_digit()) => ("", text),
            None => (text, ""),
        };
        if !host.is_empty() {
            host.clone_into(&mut self.host);
        }
        if let Ok(port) = port.parse() {
            self.port = port;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(options: &str, command: &[&str]) -> Options {
        Options::of(&json!({ "env": [{ "name": "NODE_OPTIONS", "value": options }], "command": command }))
    }

    #[test]
    fn nothing_said_is_closed_and_waits_for_the_signal() {
        let plain = of("--max-old-space-size=768", &[]);
        assert_eq!((plain.open, plain.port, plain.signal), (false, 9229, true));
    }

    #[test]
    fn each_form_of_an_address_is_read() {
        for (said, host, port) in [
            ("--inspect", "127.0.0.1", 9229),
            ("--inspect=9230", "127.0.0.1", 9230),
            ("--inspect=0.0.0.0", "0.0.0.0", 9229),
            ("--inspect=0.0.0.0:1234", "0.0.0.0", 1234),
            ("--inspect --inspect-port=7000", "127.0.0.1", 7000),
        ] {
            let options = of(said, &[]);
            assert_eq!((options.open, options.host.as_str(), options.port), (true, host, port), "{said}");
        }
        assert!(!of("--inspect-port=7000", &[]).open, "a port alone opens nothing");
        assert!(!of("--disable-sigusr1", &[]).signal);
    }

    #[test]
    fn flags_of_the_command_line_count_and_those_of_the_script_do_not() {
        let options = of("--inspect=1000", &["/usr/bin/node", "--inspect=2000", "server.js", "--inspect=3000"]);
        assert_eq!(options.port, 2000);
        assert_eq!(options.flags, ["--inspect=2000"]);
        assert!(!of("", &["npm", "--inspect"]).open);
    }
}
