//! What a reader must know to compare the figures with others: the machine, its load, the versions of the peers.

/// Facts of one run.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The day.
    pub date: String,
    /// The machine.
    pub machine: String,
    /// Load averages before the run and after it: other work disturbs every figure.
    pub load: [String; 2],
    /// Engines with their versions.
    pub peers: Vec<String>,
}

impl Facts {
    /// Looks at the machine. `upstream` is the version of the source package.
    pub fn gather(upstream: &str) -> Self {
        let lock = include_str!("../Cargo.lock");
        let mut peers: Vec<_> = ["cedar-policy", "casbin", "regorus"]
            .into_iter()
            .map(|name| format!("{name} {}", locked(lock, name).unwrap_or("of unknown version")))
            .collect();
        peers.push(format!("Kubernetes {upstream}"));
        Self {
            date: today(),
            machine: machine(),
            load: [load(), String::new()],
            peers,
        }
    }
}

impl Facts {
    /// Whether other work kept every processor busy when the run began or ended.
    pub fn busy(&self) -> bool {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let last_minute = |load: &String| load.split(' ').next().and_then(|load| load.parse::<f64>().ok());
        self.load.iter().filter_map(last_minute).any(|load| load > cores)
    }
}

/// The version that the lock file pins.
fn locked<'l>(lock: &'l str, name: &str) -> Option<&'l str> {
    let after = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
    after.split('"').next()
}

/// Load averages over 1, 5 and 15 minutes.
pub fn load() -> String {
    read("/proc/loadavg")
        .split(' ')
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = member("/proc/meminfo", "MemTotal");
    let kib: u64 = memory
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let gib = kib.div_ceil(1 << 20);
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.split(['-', '+']).next().unwrap_or_default();
    format!(
        "{cores} × {}, {gib} GB, Linux {kernel}",
        member("/proc/cpuinfo", "model name")
    )
}

/// The date in UTC, as the days since 1970 give it.
fn today() -> String {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let days = i64::try_from(since.as_secs() / 86_400).unwrap_or_default();
    // Years counted from March, so that a leap day is the last one of a year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A file's text; empty when it cannot be read, as facts that lack spoil no figure.
fn read(path: &str) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn member(path: &str, key: &str) -> String {
    let text = read(path);
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    });
    value.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"casbin\"\nversion = \"2.20.0\"\nsource = \"x\"\n";
        assert_eq!(locked(lock, "casbin"), Some("2.20.0"));
        assert_eq!(locked(lock, "cedar-policy"), None);
    }

    #[test]
    fn a_date_has_three_parts() {
        let date = today();
        assert!(date.len() == 10 && date.starts_with("20"), "{date}");
    }
}
