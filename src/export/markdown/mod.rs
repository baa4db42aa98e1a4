//! The incident as GitHub-flavoured Markdown: what happened, how long it took, what is still changed, and what the reader can check.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::escape::{block, cell_code, code, html, words};
use crate::timeline::chain::Head;
use crate::timeline::envelope::Envelope;
use crate::timeline::incident::{Incident, Run, What};
use crate::timeline::metrics::Metrics;
use crate::timeline::record::{Happening, Mode, Opened, RunId};
use crate::timeline::story::{self, Detail, Entry, Told};

/// How an export is made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Shown beside UTC.
    pub zone: Option<TimeZone>,
}

/// Envelopes in merged order, and the head of each log they came from.
pub fn markdown(envelopes: &[Envelope], heads: &[Head], options: &Options) -> String {
    let incident = Incident::replay(envelopes.iter().map(|envelope| &envelope.record));
    let mut out = String::new();
    // Writing to a String can't fail; the pieces share one Result so that each stays readable.
    let _ = write_all(&mut out, envelopes, (&incident, heads, options));
    out
}

fn write_all(out: &mut String, envelopes: &[Envelope], (incident, heads, options): (&Incident, &[Head], &Options)) -> std::fmt::Result {
    match &incident.opened {
        Some(opened) => head(out, (opened, envelopes), incident, options)?,
        None => writeln!(out, "# Incident without an opening\n\nThe log holds no `qrh.incident.opened`; what it holds follows.\n")?,
    }
    metrics(out, envelopes, options)?;
    changed(out, incident)?;
    unknown(out, incident)?;
    timeline(out, envelopes, options)?;
    outputs(out, envelopes, incident)?;
    integrity(out, envelopes, heads)
}

fn head(out: &mut String, (opened, envelopes): (&Opened, &[Envelope]), incident: &Incident, options: &Options) -> std::fmt::Result {
    let title = format!("{}: {}", words(&opened.runbook_title), words(&opened.service_name));
    match opened.mode {
        Mode::Live => writeln!(out, "# {title}\n")?,
        Mode::Drill => writeln!(
            out,
            "# DRILL: {title}\n\n> **DRILL.** This was an exercise in a simulated world. Nothing here happened to a real system.\n"
        )?,
    }
    let mut row = |name: &str, value: String| writeln!(out, "| {name} | {value} |");
    row("Incident", envelopes.first().map(|envelope| code(&envelope.incident.to_string())).unwrap_or_default())?;
    row("---", "---".to_owned())?;
    row("Mode", opened.mode.as_str().to_owned())?;
    row("Service", words(&opened.service_name))?;
    row("Target", words(&story::target(&opened.target)))?;
    row("Runbook", format!("{}, SHA-256 {}", cell_code(opened.runbook.as_str()), cell_code(&opened.runbook_sha256)))?;
    row("Opened", format!("{} by {}", incident.opened_at.map(|at| time(at, options)).unwrap_or_default(), words(&opened.actor)))?;
    row("Closed", incident.closed.as_ref().map_or_else(|| "**INCOMPLETE**: not closed".to_owned(), |closing| time(closing.at, options)))?;
    if let Some(closing) = incident.closed.as_ref().filter(|closing| !closing.summary.is_empty()) {
        writeln!(out, "\n## Summary\n\n{}", words(&closing.summary))?;
    }
    writeln!(out)
}

fn metrics(out: &mut String, envelopes: &[Envelope], options: &Options) -> std::fmt::Result {
    let metrics = Metrics::of(envelopes.iter().map(|envelope| &envelope.record));
    writeln!(out, "## How long it took\n\n| Milestone | At | After |\n| --- | --- | --- |")?;
    let rows = [
        ("Detected", metrics.detected, None),
        ("Acknowledged", metrics.acknowledged, metrics.time_to_acknowledge()),
        ("Diagnosed", metrics.diagnosed, metrics.time_to_diagnose()),
        ("Mitigated", metrics.mitigated, metrics.time_to_mitigate()),
        ("Resolved", metrics.resolved, metrics.time_to_resolve()),
    ];
    for (name, at, after) in rows {
        let at = at.map_or_else(|| "not recorded".to_owned(), |at| time(at, options));
        writeln!(out, "| {name} | {at} | {} |", after.map(spent).unwrap_or_default())?;
    }
    let from = if metrics.detected.is_some() { "it was detected" } else { "the incident was opened" };
    writeln!(out, "\nTimes count from when {from}.\n")
}

fn spent(duration: SignedDuration) -> String {
    story::spent(u64::try_from(duration.as_millis()).unwrap_or(0))
}

fn changed(out: &mut String, incident: &Incident) -> std::fmt::Result {
    writeln!(out, "## Still changed\n")?;
    let in_effect: Vec<(&RunId, &Run)> = incident.runs.iter().filter(|(_, run)| story::in_effect(run)).collect();
    if in_effect.is_empty() {
        writeln!(out, "Nothing that was changed from here is still in effect.")?;
    }
    for (id, run) in in_effect {
        writeln!(out, "- {}", words(&story::label(*id, incident)))?;
        for reading in story::readings(run) {
            writeln!(out, "  - {}", words(&reading))?;
        }
        match undo(run) {
            Some(lines) => writeln!(out, "  - can be taken back: {}", lines.iter().map(|line| code(line)).collect::<Vec<_>>().join(", "))?,
            None => writeln!(out, "  - has no undo")?,
        }
    }
    writeln!(out)
}

fn undo(run: &Run) -> Option<&[String]> {
    match &run.what {
        What::Change(intended) => intended.undo_describes.as_ref().map(|undo| undo.runs.as_slice()),
        What::Read(_) => None,
    }
}

fn unknown(out: &mut String, incident: &Incident) -> std::fmt::Result {
    let unknown = incident.unknown();
    if unknown.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Unknown outcomes\n\nNobody knows yet whether these happened:\n")?;
    for id in unknown {
        writeln!(out, "- {}", words(&story::label(id, incident)))?;
    }
    writeln!(out)
}

fn timeline(out: &mut String, envelopes: &[Envelope], options: &Options) -> std::fmt::Result {
    writeln!(out, "## Timeline\n")?;
    match &options.zone {
        None => writeln!(out, "| UTC | Kind | What |\n| --- | --- | --- |")?,
        Some(zone) => writeln!(out, "| UTC | {} | Kind | What |\n| --- | --- | --- | --- |", words(zone_name(zone)))?,
    }
    for entry in story::tell(envelopes) {
        let local = options.zone.as_ref().map(|zone| format!(" {} |", zoned(entry.at, zone))).unwrap_or_default();
        writeln!(out, "| {} |{local} {} | {} |", utc(entry.at), entry.mark.as_str(), cell(&entry))?;
    }
    writeln!(out)
}

fn cell(entry: &Entry) -> String {
    let mut cell = words(&entry.text);
    if entry.told == Told::Later {
        cell.push_str(" *(told later)*");
    }
    for detail in &entry.details {
        cell.push_str("<br>");
        cell.push_str(&match detail {
            Detail::Words(text) => words(text),
            Detail::Code(text) => cell_code(text),
        });
    }
    cell
}

fn outputs(out: &mut String, envelopes: &[Envelope], incident: &Incident) -> std::fmt::Result {
    let mut title = "## Outputs\n\n";
    for envelope in envelopes {
        let Happening::Finished(finished) = &envelope.record.happening else { continue };
        if finished.report.tail.is_empty() {
            continue;
        }
        let shown = finished.report.tail.len() as u64;
        let lines = if shown < finished.report.lines {
            format!("last {shown} of {} lines", finished.report.lines)
        } else {
            format!("{shown} lines")
        };
        let name = html(&story::label(finished.run, incident));
        writeln!(out, "{title}<details><summary>{name} ({lines})</summary>\n\n{}\n", block(&finished.report.tail))?;
        if let Some(output) = &finished.output {
            writeln!(out, "In full: {}, {} bytes, SHA-256 {}\n", code(&output.file), output.bytes, code(&output.sha256))?;
        }
        writeln!(out, "</details>\n")?;
        title = "";
    }
    Ok(())
}

fn integrity(out: &mut String, envelopes: &[Envelope], heads: &[Head]) -> std::fmt::Result {
    let mut redacted = 0;
    let mut cut = 0;
    for envelope in envelopes {
        if let Happening::Finished(finished) = &envelope.record.happening {
            redacted += finished.report.redacted;
            cut += finished.report.cut_bytes + finished.output.as_ref().map_or(0, |output| output.cut_bytes);
        }
    }
    writeln!(out, "## Log\n\n| Log | Events | SHA-256 of its last line |\n| --- | --- | --- |")?;
    for head in heads {
        writeln!(out, "| {} | {} | {} |", code(&format!("{}.jsonl", head.writer)), head.sequence, code(&head.digest.to_string()))?;
    }
    writeln!(out, "\n{redacted} secrets were hidden in outputs; {cut} bytes of output were not kept.")
}

fn time(at: Timestamp, options: &Options) -> String {
    match &options.zone {
        None => format!("{} UTC", utc(at)),
        Some(zone) => format!("{} UTC ({} {})", utc(at), zoned(at, zone), words(zone_name(zone))),
    }
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn zoned(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("local time")
}
