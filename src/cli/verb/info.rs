//! `qrh info`: every path and setting, and where it came from.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::cli::exit::Failure;
use crate::cli::output::print;
use crate::cli::settings::{Place, Settings};
use crate::target::kube::Source;

pub fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let mut text = format!("qrh {}\nactor      {}\n", env!("CARGO_PKG_VERSION"), settings.actor);
    let places = [
        ("runbooks", &settings.runbooks),
        ("services", &settings.services),
        ("policy", &settings.policy),
        ("settings", &settings.settings),
        ("state", &settings.state),
    ];
    for (name, Place { path, from }) in places {
        let there = if path.exists() { "" } else { ", not there" };
        let _ = writeln!(text, "{name:<10} {} ({}{there})", path.display(), from.as_str());
    }
    if let Source::Kubeconfig(files) = settings.kube_source() {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let from = if settings.kubeconfig.as_ref().is_some_and(|named| !named.is_empty()) { "KUBECONFIG" } else { "home directory" };
        let _ = writeln!(text, "kubeconfig {} ({from})", files.join(":"));
    }
    match settings.own() {
        Ok(own) => {
            let theme = own.theme.as_deref().unwrap_or("dark");
            let _ = writeln!(text, "theme      {theme}{}", if settings.no_color { " (mono: NO_COLOR is set)" } else { "" });
            let _ = writeln!(text, "own keys   {}", own.keys.len());
        }
        Err(failure) => {
            let _ = writeln!(text, "settings can't be used: {}", failure.message.trim_end());
        }
    }
    let _ = writeln!(text, "log        {}", settings.log.as_deref().unwrap_or("off (set QRH_LOG=debug)"));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
