//! The limits the kernel holds a process to: cgroup v2, v1, or v1 beside v2. Parsing is pure.
//!
//! `cpu_max` is `{quota_us, period_us, cores}` and `memory_max` bytes; null without an entry in `missing` means unlimited. Only the
//! process' own group is read: a group above it may be tighter.

use serde_json::{Value, json};

use super::{Missing, read};

/// v1 writes "no limit" as the largest page-aligned number.
const V1_UNLIMITED: u64 = 1 << 62;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A process' group under one controller.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    version: Version,
    /// As the kernel names it.
    path: String,
    /// Where its files are.
    directory: String,
}

pub fn describe(pid: u32, missing: &mut Missing) -> Value {
    let texts = read(&format!("/proc/{pid}/cgroup")).and_then(|groups| Ok((groups, read("/proc/self/mountinfo")?)));
    let (groups, mounts) = match texts {
        Ok(texts) => texts,
        Err(why) => {
            missing.note("cgroup", &why);
            return Value::Null;
        }
    };
    let Some(memory) = place(&groups, &mounts, "memory") else {
        missing.note("cgroup", &"no cgroup file system that holds this process is mounted");
        return Value::Null;
    };
    let cpu = place(&groups, &mounts, "cpu").map_or_else(|| Err("no cpu controller is mounted".to_owned()), |place| cpu_max(&place));
    json!({
        "path": memory.path,
        "version": match memory.version { Version::One => 1, Version::Two => 2 },
        "cpu_max": missing.keep("cgroup.cpu_max", cpu),
        "memory_max": missing.keep("cgroup.memory_max", limit(&memory)),
        "memory_current": missing.keep("cgroup.memory_current", current(&memory)),
    })
}

fn cpu_max(place: &Place) -> Result<Value, String> {
    let file = |name: &str| read(&format!("{}/{name}", place.directory));
    let text = match place.version {
        Version::Two => file("cpu.max")?,
        Version::One => format!("{} {}", file("cpu.cfs_quota_us")?.trim(), file("cpu.cfs_period_us")?.trim()),
    };
    cpu_limit(&text).ok_or_else(|| format!("the CPU limit of {} is odd", place.path))
}

/// `max 100000`, `50000 100000`, or v1's `-1 100000`.
fn cpu_limit(text: &str) -> Option<Value> {
    let (quota, period) = text.trim().split_once(' ')?;
    let period: u32 = period.trim().parse().ok().filter(|period| *period > 0)?;
    if quota == "max" || quota == "-1" {
        return Some(Value::Null);
    }
    let quota: u32 = quota.parse().ok()?;
    Some(json!({ "quota_us": quota, "period_us": period, "cores": f64::from(quota) / f64::from(period) }))
}

fn limit(place: &Place) -> Result<Option<u64>, String> {
    let name = match place.version {
        Version::Two => "memory.max",
        Version::One => "memory.limit_in_bytes",
    };
    let text = read(&format!("{}/{name}", place.directory))?;
    bytes(&text).map_err(|_| format!("{name} of {} is odd", place.path))
}

/// `None` is no limit.
fn bytes(text: &str) -> Result<Option<u64>, std::num::ParseIntError> {
    match text.trim() {
        "max" => Ok(None),
        number => number.parse().map(|bytes| Some(bytes).filter(|bytes| *bytes < V1_UNLIMITED)),
    }
}

fn current(place: &Place) -> Result<u64, String> {
    let name = match place.version {
        Version::Two => "memory.current",
        Version::One => "memory.usage_in_bytes",
    };
    read(&format!("{}/{name}", place.directory))?.trim().parse().map_err(|_| format!("{name} of {} is odd", place.path))
}

/// v1 where it has the controller, else v2: on a machine with both, a controller is in one of them.
fn place(groups: &str, mounts: &str, controller: &str) -> Option<Place> {
    let lines = || groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let one = lines().find(|(controllers, _)| controllers.split(',').any(|name| name == controller));
    let (version, path) = match one {
        Some((_, path)) => (Version::One, path),
        None => (Version::Two, lines().find(|(controllers, _)| controllers.is_empty())?.1),
    };
    let (root, point) = mounts.lines().find_map(|line| mount(line, version, controller))?;
    // In a container the mount shows a part of the tree only.
    let below = if root == "/" { path } else { path.strip_prefix(root.as_str()).unwrap_or(path) };
    Some(Place { version, path: path.to_owned(), directory: format!("{point}{}", below.trim_end_matches('/')) })
}

/// The root and the mount point of a line of `mountinfo` that is the one looked for.
fn mount(line: &str, version: Version, controller: &str) -> Option<(String, String)> {
    let (mount, system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point) = (mount.next()?, mount.next()?);
    let mut system = system.split(' ');
    let (kind, options) = (system.next()?, system.nth(1)?);
    let fits = match version {
        Version::Two => kind == "cgroup2",
        Version::One => kind == "cgroup" && options.split(',').any(|name| name == controller),
    };
    fits.then(|| (root.to_owned(), point.replace("\\040", " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_two() {
        let place = place(
            "0::/system.slice/api.service\n",
            "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
            "memory",
        );
        let place = place.unwrap();
        assert_eq!((place.version, place.directory.as_str()), (Version::Two, "/sys/fs/cgroup/system.slice/api.service"));
    }

    #[test]
    fn version_one_beside_two_and_inside_a_container() {
        let groups = "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc/x\n1:name=systemd:/\n0::/docker/abc\n";
        let mounts = "40 30 0:33 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
                      41 30 0:34 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      42 30 0:35 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!(place(groups, mounts, "memory").unwrap().directory, "/sys/fs/cgroup/memory");
        assert_eq!(place(groups, mounts, "cpu").unwrap().directory, "/sys/fs/cgroup/cpu,cpuacct/docker/abc/x");
        assert_eq!(place("", mounts, "memory"), None);
        assert_eq!(place(groups, "", "memory"), None);
        assert_eq!(place("nonsense", "non - sense", "memory"), None);
    }

    #[test]
    fn limits() {
        assert_eq!(cpu_limit("max 100000\n"), Some(Value::Null));
        assert_eq!(cpu_limit("-1 100000"), Some(Value::Null));
        assert_eq!(cpu_limit("150000 100000\n"), Some(json!({"quota_us": 150_000, "period_us": 100_000, "cores": 1.5})));
        assert_eq!(cpu_limit("150000 0"), None);
        assert_eq!(cpu_limit(""), None);
        assert_eq!(bytes("max\n"), Ok(None));
        assert_eq!(bytes("9223372036854771712\n"), Ok(None));
        assert_eq!(bytes("536870912\n"), Ok(Some(536_870_912)));
        assert!(bytes("lots").is_err());
    }
}
