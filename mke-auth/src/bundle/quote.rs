//! How text that a user chose may stand in a script. User names are checked elsewhere, yet may hold `$`, `(`, `&`,
//! a backtick, or any letter of any script; here it is made sure that no shell acts upon it.

/// For `sh`: a single-quoted word, in which nothing has a meaning but the quote (POSIX.1-2024, section 2.2.2).
pub(super) fn sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// For comments, file names, `cmd` and PowerShell: letters and digits of ASCII and `.`, `_`, `-` stay, everything
/// else becomes `_`.
///
/// `cmd` and PowerShell get no quoted form, because there is no safe one: both read scripts in whatever code page
/// the machine has, where the bytes of a letter may be read as a quote or swallow the one behind it, and
/// PowerShell takes typographic quotes for plain ones.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_words() {
        assert_eq!(sh("a$(id)`id`"), "'a$(id)`id`'");
        assert_eq!(sh("it's"), r"'it'\''s'");
        assert_eq!(plain("jane.doe-2_x"), "jane.doe-2_x");
        assert_eq!(plain("a$%&\u{2019}é\n\"x"), "a_______x");
    }
}
