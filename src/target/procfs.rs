//! What the kernel says about a process, read out of the texts of `/proc`. Pure: the bytes are read by whoever calls, so that every odd
//! form (a name with spaces and brackets, a field too few) is a test and not an incident. Nothing here fails: what can't be read is `None`.
//! Source of the formats: proc_pid_stat(5), proc_pid_status(5), proc_meminfo(5).

/// Clock ticks a second in `/proc` (`USER_HZ`): 100 on every architecture Rust has Linux for.
pub const TICKS_PER_SECOND: u64 = 100;
/// SIGUSR1's bit in the signal masks of `/proc/PID/status`.
const SIGUSR1: u64 = 0x200;

/// The fields of `/proc/PID/stat` that qrh uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub pid: u32,
    /// At most 15 bytes; whatever the process calls itself.
    pub name: String,
    /// `R`, `S`, `D`, `T`, `Z`, …: see [`state_word`].
    pub state: char,
    pub group: i32,
    pub session: i32,
    pub threads: u32,
    /// Since boot: with the pid it names one process and no later one.
    pub started_ticks: u64,
}

impl Stat {
    /// Dead, and waiting for its parent to collect the exit status.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// The name stands in brackets and may hold brackets itself: the *last* one closes it.
pub fn stat(text: &str) -> Option<Stat> {
    let open = text.find('(')?;
    let close = text.rfind(')')?;
    let pid = text.get(..open)?.trim().parse().ok()?;
    let name = text.get(open + 1..close)?.to_owned();
    let fields: Vec<&str> = text.get(close + 1..)?.split_ascii_whitespace().collect();
    // Field 3 of the man page, the state, is the first one here.
    Some(Stat {
        pid,
        name,
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
        started_ticks: fields.get(19)?.parse().ok()?,
    })
}

pub fn state_word(state: char) -> &'static str {
    match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting for the disk",
        'T' => "stopped",
        't' => "traced",
        'Z' => "zombie",
        'X' | 'x' => "dead",
        'I' => "idle",
        _ => "unknown",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// Resident memory; `None` for a kernel thread and a zombie.
    pub rss_bytes: Option<u64>,
    /// Whether the process catches SIGUSR1. Where it does not, the signal ends it.
    pub sigusr1_handled: Option<bool>,
}

pub fn status(text: &str) -> Status {
    let mut status = Status::default();
    for line in text.lines() {
        match line.split_once(':') {
            Some(("VmRSS", value)) => status.rss_bytes = kilobytes(value),
            Some(("SigCgt", value)) => {
                status.sigusr1_handled = u64::from_str_radix(value.trim(), 16).ok().map(|caught| caught & SIGUSR1 != 0);
            }
            Some(_) | None => {}
        }
    }
    status
}

/// `  1234 kB` in bytes.
fn kilobytes(value: &str) -> Option<u64> {
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// One value of `/proc/meminfo`, in bytes.
pub fn meminfo(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| *key == name).and_then(|(_, value)| kilobytes(value)))
}

/// Seconds since boot, from `/proc/uptime`.
pub fn uptime(text: &str) -> Option<f64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// Processors in a list such as `0-3,6`, from `/sys/devices/system/cpu/online`.
pub fn cpus(text: &str) -> Option<u32> {
    text.trim().split(',').try_fold(0_u32, |sum, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

/// What may be shown of a command line: the program and its script. Every other argument may hold a secret, and is left out; so is
/// whatever a process wrote over its own title.
pub fn command_line(bytes: &[u8]) -> Option<String> {
    const SCRIPTS: [&str; 12] = ["js", "mjs", "cjs", "ts", "mts", "py", "rb", "pl", "php", "sh", "jar", "wasm"];
    let mut words = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy).filter(|word| !word.is_empty());
    let program = words.next()?;
    let program = program.split(' ').next()?.to_owned();
    let script = words
        .filter(|word| !word.starts_with('-') && !word.contains([' ', '=', '@']))
        .find(|word| word.rsplit_once('.').is_some_and(|(_, ending)| SCRIPTS.contains(&ending)));
    Some(match script {
        Some(script) => format!("{program} {script}"),
        None => program,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "S 1 4242 4200 0 -1 4194560 1 0 0 0 7 3 0 0 20 0 11 0 987654 1000 200 18446744073709551615 1 1 0";

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        for name in ["node", "tmux: server", "a) R 1 2 (b", "((", "))", " "] {
            let stat = stat(&format!("4242 ({name}) {TAIL}\n")).unwrap();
            assert_eq!((stat.name.as_str(), stat.pid, stat.state), (name, 4242, 'S'));
            assert_eq!((stat.group, stat.session, stat.threads, stat.started_ticks), (4242, 4200, 11, 987_654));
        }
    }

    #[test]
    fn a_short_or_foreign_stat_is_nothing() {
        for text in ["", "1", "1 (a", "1 a) S", ")(", "x (a) S 1 1 1", "1 (a) S 1 1 1 0"] {
            assert_eq!(stat(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_own_process_reads_back() {
        let own = stat(&std::fs::read_to_string("/proc/self/stat").unwrap()).unwrap();
        assert_eq!(own.pid, std::process::id());
        assert!(!own.is_dead());
        let status = status(&std::fs::read_to_string("/proc/self/status").unwrap());
        assert!(status.rss_bytes.unwrap() > 1024 * 1024);
    }

    #[test]
    fn sigusr1_is_bit_ten() {
        let with = |mask: &str| status(&format!("Name:\tnode\nVmRSS:\t   41234 kB\nSigCgt:\t{mask}\n"));
        assert_eq!(with("0000000108004602"), Status { rss_bytes: Some(41_234 * 1024), sigusr1_handled: Some(true) });
        assert_eq!(with("0000000108004402").sigusr1_handled, Some(false));
        assert_eq!(with("garbage").sigusr1_handled, None);
        assert_eq!(status("Name:\tkthreadd\n"), Status::default());
    }

    #[test]
    fn host_values() {
        let text = "MemTotal:       2048 kB\nMemAvailable:   1024 kB\nHugePages_Total:       3\n";
        assert_eq!(meminfo(text, "MemAvailable"), Some(1024 * 1024));
        assert_eq!(meminfo(text, "HugePages_Total"), None);
        assert_eq!(meminfo(text, "Mem"), None);
        assert_eq!(uptime("12.34 45.6\n"), Some(12.34));
        assert_eq!(cpus("0-3,6\n"), Some(5));
        assert_eq!(cpus("0"), Some(1));
        assert_eq!(cpus("3-1"), None);
        assert_eq!(cpus(""), None);
    }

    #[test]
    fn a_command_line_keeps_no_secret() {
        let shown = |words: &[&str]| command_line(words.join("\0").as_bytes());
        assert_eq!(
            shown(&["node", "--max-old-space-size=512", "/srv/app/server.js", "--token=hunter2"]).unwrap(),
            "node /srv/app/server.js"
        );
        assert_eq!(shown(&["mysql", "--password", "hunter2"]).unwrap(), "mysql");
        assert_eq!(shown(&["psql", "postgres://u:pw@db.internal/x.py"]).unwrap(), "psql");
        assert_eq!(shown(&["postgres: admin hunter2 idle"]).unwrap(), "postgres:");
        assert_eq!(shown(&[]), None);
    }
}
