//! Which messages of the program are sent: all that the level lets through, but not those of the sender itself.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::SystemTime;

use mke_core::time::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::super::level::severity;
use super::message::Origin;
use super::queue::Queue;

/// Messages of these modules would feed themselves.
const OWN: &str = "mke_agent::controller::live::syslog";

/// Puts messages into the queue.
pub(in super::super) struct SyslogLayer {
    pub(in super::super) queue: Arc<Queue>,
    pub(in super::super) origin: Arc<Origin>,
}

impl<S: Subscriber> Layer<S> for SyslogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !self.queue.is_on() || metadata.target().starts_with(OWN) {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let line = format!("{}: {}{}", metadata.target(), text.message, text.fields);
        let at = Timestamp::from(SystemTime::now());
        self.queue
            .put(self.origin.log(severity(*metadata.level()), at, &line));
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    /// CFG-007: message and fields are sent; what the sender says about itself is not.
    #[tokio::test]
    async fn messages_and_no_loop() {
        assert_eq!(module_path!().strip_suffix("::layer::tests"), Some(OWN));
        let queue = Arc::new(Queue::default());
        queue.turn_on();
        let layer = SyslogLayer {
            queue: queue.clone(),
            origin: Arc::new(Origin::here("node-1")),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(target: "mke_agent::controller::live::syslog::sender", "the syslog is away");
            tracing::error!(target: "mke_agent::somewhere", error = %"no space", attempts = 3, "not written");
        });
        let message = queue.front().await;
        let text = String::from_utf8_lossy(&message);
        assert!(text.starts_with("<27>1 "), "{text}");
        assert!(
            text.ends_with(" - mke_agent::somewhere: not written error=no space attempts=3"),
            "{text}"
        );
        assert_eq!(queue.counts().waiting, 1);
    }
}
