//! `[user_workload_defaults]`: what services get that say nothing themselves.

use super::format::Format;
use super::key::Key;
use super::section::section;

section! {
    /// What users' workloads get that say nothing themselves.
    pub struct UserWorkloadDefaults at "user_workload_defaults" {
    }
    tables {
        /// Defaults of Swarm services.
        swarm_defaults("swarm_defaults"): SwarmDefaults;
    }
}

section! {
    /// Defaults of Swarm services.
    pub struct SwarmDefaults at "user_workload_defaults.swarm_defaults" {
    }
    tables {
        /// How long to wait before a task starts again.
        restart_delay("tasktemplate.restartpolicy.delay"): RestartDelay;
        /// How often a task is started again.
        restart_attempts("tasktemplate.restartpolicy.maxattempts"): RestartAttempts;
    }
}

section! {
    /// The wait before a task starts again.
    pub struct RestartDelay at r#"user_workload_defaults.swarm_defaults."tasktemplate.restartpolicy.delay""# {
        /// How long services that do not say wait before a task starts again.
        value: String = Key::text("5s").unit("duration").format(Format::Duration).live();
    }
}

section! {
    /// How often a task starts again.
    pub struct RestartAttempts at r#"user_workload_defaults.swarm_defaults."tasktemplate.restartpolicy.maxattempts""# {
        /// How often tasks of services that do not say are started again.
        value: String = Key::text("3").format(Format::Number { min: 0, max: 999_999_999 }).live();
    }
}
