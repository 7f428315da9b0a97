//! How an error is told in one line: itself, then what caused it. The only place that walks over causes to show them.

use std::error::Error;

/// An error with its causes in one line, the outermost first, separated by colons. A cause that the text has already
/// is left out, because some libraries repeat it in their own.
///
/// ```
/// # use std::io;
/// let error = io::Error::new(io::ErrorKind::Other, "the disk is full");
/// assert_eq!(mke_core::causes::chain(&error), "the disk is full");
/// ```
pub fn chain(error: &dyn Error) -> String {
    chain_of(error.to_string(), error.source())
}

/// The same for an error that is told in other words, or that does not name its cause as its source.
pub fn chain_of(mut text: String, mut cause: Option<&(dyn Error + 'static)>) -> String {
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Told(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn each_cause_once_and_outermost_first() {
        let of = |texts: &[&'static str]| {
            let error = texts
                .iter()
                .rev()
                .fold(None, |cause, text| Some(Box::new(Told(text, cause))));
            chain(&*error.unwrap())
        };
        assert_eq!(of(&["a"]), "a");
        assert_eq!(of(&["cannot read", "no such file"]), "cannot read: no such file");
        assert_eq!(
            of(&["cannot read: gone", "gone", "really"]),
            "cannot read: gone: really"
        );
        let cause = Told("why", None);
        assert_eq!(
            chain_of("in other words".to_owned(), Some(&cause)),
            "in other words: why"
        );
    }
}
