//! The service's sources, as they are in the program, and the directory they are laid out in: two releases, of which one is bad, and a link
//! to the one that runs.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::PathBuf;

macro_rules! sources {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../tests/fixtures/service/", $path)))),+]
    };
}

/// What each release has.
const RELEASE: &[(&str, &str)] = sources![
    "server.mjs",
    "package.json",
    "lib/catalogue.mjs",
    "lib/config.mjs",
    "lib/errors.mjs",
    "lib/files.mjs",
    "lib/flags.mjs",
    "lib/health.mjs",
    "lib/installed.mjs",
    "lib/lifecycle.mjs",
    "lib/logger.mjs",
    "lib/loopback.mjs",
    "lib/metrics.mjs",
    "lib/parent.mjs",
    "lib/payments.mjs",
    "lib/router.mjs",
    "lib/faults/buffer-leak.mjs",
    "lib/faults/crypto-burst.mjs",
    "lib/faults/gzip.mjs",
    "lib/faults/heap-leak.mjs",
    "lib/faults/leak-budget.mjs",
    "lib/faults/logger.mjs",
    "lib/faults/sync-json.mjs",
    "lib/faults/sync-regex.mjs",
    "lib/routes/checkout.mjs",
    "lib/routes/export.mjs",
    "lib/routes/operator.mjs",
    "lib/routes/report.mjs",
    "lib/routes/search.mjs",
    "lib/routes/work.mjs",
    "lib/stand-in/pino.mjs",
    "lib/stand-in/prom-client.mjs",
];
/// What is beside them.
const PROGRAMS: &[(&str, &str)] =
    sources!["supervise.mjs", "load.mjs", "package.json", "lib/files.mjs", "lib/loopback.mjs", "lib/parent.mjs"];

pub const GOOD: &str = "1.4.1";
pub const BAD: &str = "1.4.2";

/// A directory that only its owner may enter. Dropped, it is gone.
#[derive(Debug)]
pub struct Home(PathBuf);

impl Home {
    pub fn lay_out() -> io::Result<Self> {
        let root = std::env::temp_dir().canonicalize()?.join(format!("qrh-drill-{}", ulid::Ulid::generate()));
        // Fails where it is there already: nothing of anybody else's is used.
        DirBuilder::new().mode(0o700).create(&root)?;
        let home = Self(root);
        home.write("", PROGRAMS)?;
        for (version, commit, bad) in [(GOOD, "8c1f3a9", false), (BAD, "e47d02b", true)] {
            let release = format!("releases/{version}");
            home.write(&release, RELEASE)?;
            let about = serde_json::json!({ "version": version, "commit": commit, "bad": bad });
            std::fs::write(home.path(&format!("{release}/release.json")), format!("{about:#}\n"))?;
        }
        std::fs::create_dir(home.path("state"))?;
        home.release(GOOD)?;
        Ok(home)
    }

    fn write(&self, under: &str, sources: &[(&str, &str)]) -> io::Result<()> {
        for (path, text) in sources {
            let file = self.0.join(under).join(path);
            file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(file, text)?;
        }
        Ok(())
    }

    /// Text, for command lines; a path that is none is shown as nearly as it can be.
    pub fn path(&self, inside: &str) -> String {
        self.0.join(inside).display().to_string()
    }

    /// Lets the link lead to this release, in one step.
    fn release(&self, version: &'static str) -> io::Result<()> {
        self.linker(version)()
    }

    /// The same, for later.
    pub fn linker(&self, version: &'static str) -> impl Fn() -> io::Result<()> + Send + Sync + use<> {
        let (new, current) = (self.0.join("current.new"), self.0.join("current"));
        move || {
            // One that was left half-way.
            let _ = std::fs::remove_file(&new);
            symlink(format!("releases/{version}"), &new)?;
            std::fs::rename(&new, &current)
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What can't be removed lies where the system clears it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_laid_out_for_its_owner_alone_and_goes() {
        let home = Home::lay_out().unwrap();
        let root = home.0.clone();
        assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(root.join("current/server.mjs").is_file() && root.join("releases/1.4.2/lib/stand-in/pino.mjs").is_file());
        home.release(BAD).unwrap();
        assert!(std::fs::read_to_string(root.join("current/release.json")).unwrap().contains("\"bad\": true"));
        drop(home);
        assert!(!root.exists());
    }
}
