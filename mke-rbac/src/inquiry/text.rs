//! Columns for reports in plain text.

use std::fmt;

/// Writes rows as columns that are as wide as their widest cell, two spaces apart, without spaces at line ends.
///
/// # Errors
/// Those of the formatter.
pub fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    header: [&str; N],
    rows: &[[String; N]],
) -> fmt::Result {
    lines(f, &header.map(str::to_owned), rows.iter().map(|row| &row[..]))
}

/// The same, for a number of columns that is known late.
///
/// # Errors
/// Those of the formatter.
pub fn columns(f: &mut fmt::Formatter<'_>, header: &[String], rows: &[Vec<String>]) -> fmt::Result {
    lines(f, header, rows.iter().map(|row| &row[..]))
}

fn lines<'r>(
    f: &mut fmt::Formatter<'_>,
    header: &'r [String],
    rows: impl Iterator<Item = &'r [String]> + Clone,
) -> fmt::Result {
    let lines = [header].into_iter().chain(rows);
    let mut widths = vec![0; header.len()];
    for line in lines.clone() {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in lines {
        let mut text = String::new();
        for (width, cell) in widths.iter().zip(line) {
            text.push_str(&format!("{cell:width$}  "));
        }
        writeln!(f, "{}", text.trim_end())?;
    }
    Ok(())
}

/// Breaks a text at spaces into lines of at most so many characters; a longer word has a line of its own.
pub fn wrapped(text: &str, widest: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > widest {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}
