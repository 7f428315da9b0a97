//! Defaults of new services, from the words of the configuration.

use std::time::Duration;

use mke_core::config::{UserWorkloadDefaults, duration};
use mke_rbac::engine::ServiceDefaults;

/// What new services get that say nothing themselves (CFG-008). Empty text fills in nothing.
pub(crate) fn service_defaults(settings: &UserWorkloadDefaults) -> ServiceDefaults {
    let swarm = &settings.swarm_defaults;
    let delay = duration(&swarm.restart_delay.value).filter(|nanoseconds| *nanoseconds >= 0.0);
    ServiceDefaults {
        // Reading checked the text; a float that is too large for whole nanoseconds becomes the largest there is.
        restart_delay: delay.map(|nanoseconds| Duration::from_nanos(nanoseconds as u64)),
        restart_attempts: swarm.restart_attempts.value.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::config::Config;

    /// CFG-008: what is filled in by default, and every unit.
    #[test]
    fn words_become_numbers() {
        let mut settings = Config::default().user_workload_defaults;
        let standing = service_defaults(&settings);
        assert_eq!(standing.restart_delay, Some(Duration::from_secs(5)));
        assert_eq!(standing.restart_attempts, Some(3));
        for (text, delay) in [
            ("7ns", Some(Duration::from_nanos(7))),
            ("7us", Some(Duration::from_micros(7))),
            ("7ms", Some(Duration::from_millis(7))),
            ("7s", Some(Duration::from_secs(7))),
            ("7m", Some(Duration::from_secs(7 * 60))),
            ("7h", Some(Duration::from_secs(7 * 3600))),
            ("0", Some(Duration::ZERO)),
            ("", None),
        ] {
            settings.swarm_defaults.restart_delay.value = text.to_owned();
            assert_eq!(service_defaults(&settings).restart_delay, delay, "{text}");
        }
        settings.swarm_defaults.restart_attempts.value = String::new();
        assert_eq!(service_defaults(&settings).restart_attempts, None);
    }
}
