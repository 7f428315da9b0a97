//! Reads what cargo says that it built (`--message-format json`).

use std::path::PathBuf;

use serde_json::Value;

/// The program `name` among the messages of cargo, one JSON object a line. Test programs do not count.
pub(crate) fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    built(messages, name).find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// The shared library of the target `name` among the messages of cargo.
pub(crate) fn shared_library(messages: &str, name: &str) -> Option<PathBuf> {
    let files = built(messages, name).flat_map(|mut message| match message["filenames"].take() {
        Value::Array(files) => files,
        _ => Vec::new(),
    });
    let mut files = files.filter_map(|file| file.as_str().map(PathBuf::from));
    files.find(|file| file.extension().is_some_and(|extension| extension == "so"))
}

/// What cargo says of a target that is no test program.
fn built(messages: &str, name: &str) -> impl Iterator<Item = Value> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter(move |message| message["target"]["name"] == name && message["profile"]["test"] == false)
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
        assert_eq!(shared_library(&messages, "ucp"), None);
        let library = r#"{"target":{"name":"_native"},"profile":{"test":false},"filenames":["/t/a.rlib","/t/lib_native.so"]}"#;
        assert_eq!(
            shared_library(library, "_native"),
            Some(PathBuf::from("/t/lib_native.so"))
        );
    }
}
