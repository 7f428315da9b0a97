//! How programs log: lines on standard error, as text or JSON, from the level that is asked for. Standard output stays
//! free for what a program is asked to give.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::controller::Logs;

/// How a program logs.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LogArgs {
    /// Log more, whatever the configuration says.
    #[arg(long, short = 'D', global = true, env = "UCP_DEBUG", value_parser = clap::builder::FalseyValueParser::new())]
    debug: bool,
    /// Write log lines as JSON.
    #[arg(long, global = true, env = "UCP_JSONLOG", value_parser = clap::builder::FalseyValueParser::new())]
    jsonlog: bool,
}

impl LogArgs {
    /// Starts logging for the whole process. The result lets a program follow the level of the configuration, unless
    /// `MKE_LOG` or `--debug` say otherwise.
    pub(super) fn start(&self) -> Logs {
        let logs = Logs::default();
        let asked = EnvFilter::try_from_env("MKE_LOG").ok();
        let asked = asked.or_else(|| self.debug.then(|| EnvFilter::new("debug")));
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = if self.jsonlog {
            lines.json().boxed()
        } else {
            lines.with_ansi(false).boxed()
        };
        let lines = match asked {
            Some(asked) => lines.with_filter(asked).boxed(),
            None => lines.with_filter(logs.filter()).boxed(),
        };
        tracing_subscriber::registry()
            .with(lines)
            .with(logs.remote())
            .init();
        logs
    }
}
