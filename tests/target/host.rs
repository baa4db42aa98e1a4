//! Real processes on this machine: every sentence `target::host` promises, and an attempt to break it.

use std::path::Path;
use std::time::Duration;

use qrh::action::run::Run;
use qrh::action::shell::Shell;
use qrh::action::{Ending, Report};
use qrh::target::host;
use qrh::target::procfs;
use qrh::target::stream::{Conduct, Line, Origin, TAIL_COLUMNS};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Far longer than any of these takes: it only ends a test that hangs.
const LONG: Duration = Duration::from_secs(60);

struct Session {
    lines: mpsc::Receiver<Line>,
    cancel: CancellationToken,
    task: JoinHandle<Report>,
}

impl Session {
    fn script(script: &str, timeout: Duration) -> Self {
        Self::with_room(script, timeout, 256)
    }

    fn with_room(script: &str, timeout: Duration, room: usize) -> Self {
        let (sender, lines) = mpsc::channel(room);
        let cancel = CancellationToken::new();
        let conduct = Conduct { lines: sender, cancel: cancel.clone(), timeout };
        let shell = Shell { script: script.to_owned() };
        Self { lines, cancel, task: tokio::spawn(async move { host::shell(&shell, &conduct).await }) }
    }

    async fn line(&mut self) -> String {
        tokio::time::timeout(LONG, self.lines.recv()).await.expect("a line in time").expect("a line").text
    }

    async fn pid(&mut self) -> u32 {
        self.line().await.parse().expect("a pid")
    }

    /// Reads what is left and gives the report.
    async fn report(mut self) -> (Report, Vec<Line>) {
        let mut rest = Vec::new();
        while let Some(line) = self.lines.recv().await {
            rest.push(line);
        }
        (self.task.await.unwrap(), rest)
    }
}

async fn script(text: &str) -> Report {
    Session::script(text, LONG).report().await.0
}

async fn run(argv: &[&str]) -> Report {
    run_with(Run { argv: argv.iter().map(|word| (*word).to_owned()).collect(), env: [].into(), dir: None }).await
}

async fn run_with(run: Run) -> Report {
    let (sender, mut lines) = mpsc::channel(16);
    let conduct = Conduct { lines: sender, cancel: CancellationToken::new(), timeout: LONG };
    let task = tokio::spawn(async move { host::run(&run, &conduct).await });
    while lines.recv().await.is_some() {}
    task.await.unwrap()
}

/// Gone, or dead and waiting for a parent that is not us.
fn is_dead(pid: u32) -> bool {
    !std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|text| !procfs::stat(&text).unwrap().is_dead())
}

fn is_reaped(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

/// A process is awaited by looking: it is not our child.
async fn dies(pid: u32) {
    tokio::time::timeout(LONG, async {
        while !is_dead(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the process dies");
}

fn end_by_pid(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

fn why(report: &Report) -> &str {
    match &report.ending {
        Ending::Failed(why) | Ending::Unreachable(why) | Ending::Unknown(why) | Ending::Voided(why) => why,
        Ending::Succeeded | Ending::Stopped => panic!("{:?} has no reason", report.ending),
    }
}

#[tokio::test]
async fn lines_come_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let mut session = Session::script(&format!("echo first; while [ ! -e {} ]; do sleep 0.02; done; echo second", go.display()), LONG);
    assert_eq!(session.line().await, "first");
    std::fs::write(&go, "").unwrap();
    assert_eq!(session.line().await, "second");
    let (report, _) = session.report().await;
    assert_eq!((report.ending, report.exit, report.lines), (Ending::Succeeded, Some(0), 2));
    assert_eq!(report.out, "first\nsecond");
}

#[tokio::test]
async fn cancel_reaches_grandchildren_and_leaves_no_zombie() {
    let mut session = Session::script("echo $$; sleep 1000 & echo $!; sh -c 'sleep 1000 & echo $!; wait' & wait", LONG);
    let leader = session.pid().await;
    let others = [session.pid().await, session.pid().await];
    session.cancel.cancel();
    let (report, _) = session.report().await;
    assert_eq!(report.ending, Ending::Stopped);
    assert!(is_reaped(leader), "the command itself was reaped");
    assert!(others.into_iter().all(is_dead), "nothing of it runs");
}

#[tokio::test]
async fn a_job_with_a_process_group_of_its_own_is_reached() {
    let mut session = Session::script("exec bash -c 'set -m; sleep 1000 & echo $!; wait'", LONG);
    let job = session.pid().await;
    session.cancel.cancel();
    let (report, _) = session.report().await;
    assert_eq!(report.ending, Ending::Stopped);
    assert!(is_dead(job));
}

#[tokio::test]
async fn what_ignores_term_is_killed() {
    let mut session = Session::script("trap '' TERM; sleep 1000 & echo $!; echo $$; while :; do sleep 0.1; done", LONG);
    let (child, leader) = (session.pid().await, session.pid().await);
    session.cancel.cancel();
    let (report, _) = session.report().await;
    assert_eq!((report.ending, report.exit), (Ending::Stopped, Some(128 + 9)));
    assert!(is_reaped(leader) && is_dead(child));
}

#[tokio::test]
async fn a_graceful_end_is_let_happen() {
    let mut session = Session::script("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done", LONG);
    session.line().await;
    session.cancel.cancel();
    let (report, rest) = session.report().await;
    assert_eq!((report.ending, report.exit), (Ending::Stopped, Some(0)));
    assert!(rest.iter().any(|line| line.text == "bye"), "what it said on TERM is not lost: {rest:?}");
}

#[tokio::test]
async fn a_stopped_process_still_ends() {
    let mut session = Session::script("echo $$; kill -STOP $$; echo never", LONG);
    let leader = session.pid().await;
    session.cancel.cancel();
    let (report, _) = session.report().await;
    assert_eq!(report.ending, Ending::Stopped);
    assert!(is_reaped(leader));
}

#[tokio::test]
async fn one_that_left_the_session_is_named_and_not_called_stopped() {
    let mut session = Session::script("setsid sh -c 'echo $$; exec sleep 1000' & wait; sleep 1000", LONG);
    let stray = session.pid().await;
    session.cancel.cancel();
    let (report, _) = session.report().await;
    let alive = !is_dead(stray);
    end_by_pid(stray);
    assert!(alive, "a daemon is not signalled");
    assert!(matches!(report.ending, Ending::Unknown(_)), "{:?}", report.ending);
    assert!(why(&report).contains(&format!("pid {stray} (s")), "{}", why(&report));
}

#[tokio::test]
async fn a_timeout_is_unknown_and_ends_everything() {
    let session = Session::script("echo $$; sleep 1000", Duration::from_millis(300));
    let (report, lines) = session.report().await;
    assert_eq!(report.ending, Ending::Unknown("timed out after 0.3 s; stopped".to_owned()));
    assert_eq!(report.exit, Some(128 + 15));
    assert!(is_reaped(lines.first().unwrap().text.parse().unwrap()));
}

#[tokio::test]
async fn a_background_process_that_holds_the_output_does_not_hang_the_run() {
    let mut session = Session::script("sleep 1000 & echo $!", LONG);
    let holder = session.pid().await;
    let (report, _) = session.report().await;
    assert_eq!((report.ending, report.exit), (Ending::Succeeded, Some(0)));
    assert!(report.tail.last().unwrap().contains(&format!("held by pid {holder} (sleep); stopped")), "{:?}", report.tail);
    assert!(is_dead(holder));
}

#[tokio::test]
async fn a_background_process_with_its_own_output_stays() {
    let mut session = Session::script("sleep 1000 >/dev/null 2>&1 & echo $!", LONG);
    let service = session.pid().await;
    let (report, _) = session.report().await;
    let alive = !is_dead(service);
    end_by_pid(service);
    assert!(alive, "a started service outlives the command that started it");
    assert_eq!((report.ending, report.tail), (Ending::Succeeded, vec![service.to_string()]));
}

#[tokio::test]
async fn an_aborted_task_leaves_nothing() {
    let mut session = Session::script("sleep 1000 & echo $!; echo $$; wait", LONG);
    let (child, leader) = (session.pid().await, session.pid().await);
    session.task.abort();
    assert!(session.task.await.unwrap_err().is_cancelled());
    dies(child).await;
    dies(leader).await;
}

#[tokio::test]
async fn a_flood_is_bounded_and_the_last_lines_are_right() {
    let mut session = Session::with_room("yes $(printf %0500d 7) | head -c 40000000; echo; echo last", LONG, 4);
    let mut lines = 0;
    while session.lines.recv().await.is_some() {
        lines += 1;
    }
    let report = session.task.await.unwrap();
    assert_eq!(report.ending, Ending::Succeeded);
    assert_eq!(report.out, serde_json::Value::Null, "more than 1 MiB is no value");
    assert!(report.cut_bytes > 38_000_000, "{}", report.cut_bytes);
    assert_eq!((report.lines, report.tail.last().unwrap().as_str()), (lines, "last"));
    let peak = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = procfs::meminfo(&peak, "VmHWM").unwrap();
    assert!(peak < 40 * 1024 * 1024, "{peak} bytes at the peak");
}

#[tokio::test]
async fn a_reader_that_stops_reading_slows_the_command_and_can_cancel_it() {
    let mut session = Session::with_room("echo $$; yes", LONG, 1);
    let leader = session.pid().await;
    assert_eq!(session.line().await, "y");
    // From here on nobody reads, and the channel stays open.
    session.cancel.cancel();
    let report = session.task.await.unwrap();
    assert_eq!(report.ending, Ending::Stopped);
    assert!(is_reaped(leader));
    assert!(report.lines < 1_000_000, "it was held back: {} lines", report.lines);
    assert!(report.cut_bytes > 0, "what nobody took is counted");
}

#[tokio::test]
async fn a_closed_reader_does_not_stop_the_command() {
    let (sender, _) = mpsc::channel(1);
    let conduct = Conduct { lines: sender, cancel: CancellationToken::new(), timeout: LONG };
    let report = host::shell(&Shell { script: "seq 1 5000".to_owned() }, &conduct).await;
    assert_eq!((report.ending, report.lines), (Ending::Succeeded, 5000));
}

#[tokio::test]
async fn a_huge_line_is_cut_and_counted() {
    let report = script("head -c 8000000 /dev/zero | tr '\\0' x; echo; echo after").await;
    assert_eq!(report.ending, Ending::Succeeded);
    assert!(report.cut_bytes > 0);
    assert_eq!(report.tail.last().unwrap(), "after");
    assert!(report.tail.iter().all(|line| line.chars().count() <= TAIL_COLUMNS));
}

#[tokio::test]
async fn characters_split_between_two_reads_stay_whole() {
    let report = script("i=0; while [ $i -lt 3000 ]; do echo 'aé€😀é€😀é€😀é'; i=$((i+1)); done").await;
    assert_eq!(report.lines, 3000);
    assert!(report.out.as_str().unwrap().lines().all(|line| line == "aé€😀é€😀é€😀é"));
}

#[tokio::test]
async fn json_becomes_a_value_even_on_one_long_line() {
    let report =
        script(r#"printf '{"items":['; i=0; while [ $i -lt 20000 ]; do printf '{"n":%d},' $i; i=$((i+1)); done; printf '{}]}'"#).await;
    assert_eq!(report.out["items"][19_999]["n"], 19_999);
    assert_eq!(script("echo '{broken'").await.out, "{broken");
    assert_eq!(script("printf '[1,\\n2]\\n'; echo note >&2").await.out, serde_json::json!([1, 2]));
}

#[tokio::test]
async fn both_streams_keep_their_origin() {
    let (report, lines) = Session::script("echo out; echo err >&2; exit 3", LONG).report().await;
    assert_eq!((report.exit, why(&report)), (Some(3), "exit status 3"));
    assert_eq!(report.out, "out");
    for (origin, text) in [(Origin::Stdout, "out"), (Origin::Stderr, "err")] {
        assert!(lines.contains(&Line { origin, text: text.to_owned() }));
    }
}

#[tokio::test]
async fn an_end_by_signal_is_128_and_its_number() {
    let report = script("kill -9 $$").await;
    assert_eq!((report.exit, why(&report)), (Some(137), "ended by signal 9 (KILL)"));
}

#[tokio::test]
async fn a_shell_stops_at_the_first_error_and_at_an_unset_variable() {
    assert_eq!(script("false; echo on").await.out, "");
    let report = script("echo $NOT_SET_ANYWHERE").await;
    assert!(matches!(report.ending, Ending::Failed(_)));
    assert!(report.tail.last().unwrap().contains("NOT_SET_ANYWHERE"), "{:?}", report.tail);
}

#[tokio::test]
async fn every_argument_arrives_as_it_stands() {
    let report = run(&["printf", "%s|", "$(id)", "*", "", "a b", "--", "it's", "`x`"]).await;
    assert_eq!(report.out, "$(id)|*||a b|--|it's|`x`|");
}

#[tokio::test]
async fn the_environment_is_minimal_and_the_actions_own() {
    let run = Run {
        argv: vec!["env".into()],
        env: [("MODE".to_owned(), "a b".to_owned()), ("LANG".to_owned(), "C".to_owned())].into(),
        dir: None,
    };
    let report = run_with(run).await;
    let mut names: Vec<&str> = report.out.as_str().unwrap().lines().map(|line| line.split('=').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "MODE", "PATH", "QRH_RUN", "TERM"]);
    assert!(report.out.as_str().unwrap().contains("MODE=a b\n"));
    assert!(report.out.as_str().unwrap().contains("LANG=C"));
}

#[tokio::test]
async fn it_has_its_directory_no_input_and_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let run = Run { argv: vec!["pwd".into()], env: [].into(), dir: Some(folder.display().to_string()) };
    assert_eq!(run_with(run).await.out, folder.display().to_string());
    assert_eq!(script("cat; echo done").await.out, "done");
    let stat = script("cat /proc/$$/stat").await;
    let stat = procfs::stat(stat.out.as_str().unwrap()).unwrap();
    assert_eq!((stat.session, stat.group), (stat.pid.cast_signed(), stat.pid.cast_signed()), "a session of its own has no terminal");
    assert_eq!(script("if (: >/dev/tty) 2>/dev/null; then echo reached; fi").await.out, "");
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let report = run(&["qrh-no-such-program"]).await;
    assert!(why(&report).starts_with("`qrh-no-such-program` was not found in PATH (/"), "{}", why(&report));
    assert_eq!(report.exit, None);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain");
    std::fs::write(&file, "x").unwrap();
    let file = file.display().to_string();
    assert!(why(&run(&[&file]).await).contains("may not be executed"));
    assert!(why(&run(&["/no/such/file"]).await).contains("is not there"));
    assert!(why(&run(&[]).await).contains("empty"));
    assert!(why(&run(&["echo", "a\0b"]).await).contains("argument 1 holds a NUL byte"));
    let lost = Run { argv: vec!["pwd".into()], env: [].into(), dir: Some("/no/such/folder".into()) };
    assert!(why(&run_with(lost).await).contains("`/no/such/folder` can't be entered"));
}

#[tokio::test]
async fn cancelled_before_it_starts_it_never_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made");
    let conduct = Conduct { lines: mpsc::channel(1).0, cancel: CancellationToken::new(), timeout: LONG };
    conduct.cancel.cancel();
    let report = host::shell(&Shell { script: format!("touch {}", file.display()) }, &conduct).await;
    assert_eq!(report.ending, Ending::Stopped);
    assert!(!file.exists());
}
