//! What the bootstrapper tells the person who started it, as it happens. How it looks is decided by the command.

use std::fmt;

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What should be looked at and does not stop anything.
    Warning,
    /// What went wrong; other things go on.
    Error,
}

impl Level {
    /// The word in log lines, which existing installers read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Takes what is told.
pub trait Progress: Send + Sync {
    /// One line.
    fn say(&self, level: Level, text: &str);

    /// What happens.
    fn info(&self, text: &str) {
        self.say(Level::Info, text);
    }

    /// What should be looked at.
    fn warn(&self, text: &str) {
        self.say(Level::Warning, text);
    }

    /// For whoever looks for a fault.
    fn debug(&self, text: &str) {
        self.say(Level::Debug, text);
    }

    /// A step begins. Existing installers know this form.
    fn step(&self, number: usize, of: usize, title: &str) {
        self.info(&format!("Step {number} of {of}: [{title}]"));
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn say(&self, _: Level, _: &str) {}
}
