//! What the eight words of `log_configuration.level` mean for messages of this program.
//!
//! Messages here have four severities: error, warning, informational and debug. A level shows what is as severe as it
//! says or more (RFC 5424, section 6.2.1). Nothing here is critical or worse, and a control plane that hides its errors
//! cannot be operated, so the three words above `ERR` show errors as well.

use tracing::Level;
use tracing_subscriber::filter::LevelFilter;

/// What a level lets through. An unknown word, which the configuration does not hold, counts as `INFO`.
pub(super) fn filter(word: &str) -> LevelFilter {
    match word.to_ascii_uppercase().as_str() {
        "DEBUG" => LevelFilter::DEBUG,
        "NOTICE" | "WARNING" => LevelFilter::WARN,
        "ERR" | "CRIT" | "ALERT" | "EMERG" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

/// The severity of RFC 5424 of a message.
pub(super) fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CFG-007: each of the eight words, in either case, and which messages it shows.
    #[test]
    fn eight_words() {
        let shown = |word: &str| {
            let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
            levels.into_iter().filter(|level| filter(word) >= *level).count()
        };
        for (word, messages) in [
            ("DEBUG", 4),
            ("INFO", 3),
            ("NOTICE", 2),
            ("WARNING", 2),
            ("ERR", 1),
            ("CRIT", 1),
            ("ALERT", 1),
            ("EMERG", 1),
        ] {
            assert_eq!(shown(word), messages, "{word}");
            assert_eq!(shown(&word.to_lowercase()), messages, "{word}");
        }
    }
}
