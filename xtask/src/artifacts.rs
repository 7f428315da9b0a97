//! Reads what cargo says that it built (`--message-format json`).

use std::path::PathBuf;

/// The program `name` among the messages of cargo, one JSON object a line. Test programs do not count.
pub(crate) fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = messages.filter_map(|message| {
        let wanted = message["target"]["name"] == name && message["profile"]["test"] == false;
        if wanted {
            message["executable"].as_str().map(PathBuf::from)
        } else {
            None
        }
    });
    programs.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages() {
        let line = |name: &str, test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let messages = [
            line("mke_core", false, "null"),
            line("ucp", true, "\"/t/deps/ucp-1\""),
            line("ucp", false, "\"/t/ucp\""),
            "{\"reason\":\"build-finished\"}".to_owned(),
        ]
        .join("\n");
        assert_eq!(executable(&messages, "ucp"), Some(PathBuf::from("/t/ucp")));
        assert_eq!(executable(&messages, "other"), None);
    }
}
