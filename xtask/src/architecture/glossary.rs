//! The glossary of `ARCHITECTURE.md`: a table of at most 25 words under the heading `Glossary`, with the synonyms
//! that are not to be used in the last column.

use std::path::Path;

use crate::failure::{Failure, Outcome};

/// More words than this and nobody keeps them apart.
const MAX_WORDS: usize = 25;

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    word: String,
    banned: Vec<String>,
}

pub(super) fn problems(root: &Path) -> Outcome<Vec<String>> {
    let path = root.join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
    Ok(judge(&entries(&text)))
}

/// Rows of the first table after the heading; the row of column names and the rule below it do not count.
fn entries(text: &str) -> Vec<Entry> {
    let section = text
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.ends_with(" Glossary")))
        .skip(1);
    let section = section.take_while(|line| !line.starts_with('#'));
    let rows = section.filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let banned = cells.get(2).copied().unwrap_or_default().split(',').map(lower);
        Entry {
            word: cells.first().copied().map(lower).unwrap_or_default(),
            banned: banned.filter(|word| !word.is_empty()).collect(),
        }
    })
    .collect()
}

fn lower(word: &str) -> String {
    word.trim().to_lowercase()
}

fn judge(entries: &[Entry]) -> Vec<String> {
    let mut problems = Vec::new();
    if entries.is_empty() {
        problems.push("ARCHITECTURE.md has no glossary".to_owned());
    }
    if entries.len() > MAX_WORDS {
        problems.push(format!(
            "the glossary has {} words, more than {MAX_WORDS}",
            entries.len()
        ));
    }
    for (index, entry) in entries.iter().enumerate() {
        if entries.iter().take(index).any(|other| other.word == entry.word) {
            problems.push(format!("the glossary has `{}` twice", entry.word));
        }
        let banning = entries.iter().filter(|other| other.banned.contains(&entry.word));
        problems.extend(banning.map(|other| {
            format!(
                "the glossary has `{}`, which is a synonym not to be used for `{}`",
                entry.word, other.word
            )
        }));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# X\n\n## Glossary\n\nWords.\n\n| word | means | not |\n| --- | --- | --- |\n\
                         | Subject | who | principal, actor |\n| Grant | triple | binding |\n\n## Next\n| a | b | c |\n";

    #[test]
    fn synonyms_are_found() {
        let good = entries(TABLE);
        assert_eq!(good.len(), 2);
        assert_eq!(
            good[0],
            Entry {
                word: "subject".into(),
                banned: vec!["principal".into(), "actor".into()]
            }
        );
        assert!(judge(&good).is_empty());
        assert_eq!(judge(&entries(&TABLE.replace("| Grant", "| Actor"))).len(), 1);
        assert_eq!(judge(&entries(&TABLE.replace("| Grant", "| Subject"))).len(), 1);
        assert_eq!(judge(&entries("# nothing")).len(), 1);
    }

    #[test]
    fn the_limit_is_25() {
        let of = |count: usize| {
            (0..count)
                .map(|n| Entry {
                    word: n.to_string(),
                    banned: Vec::new(),
                })
                .collect::<Vec<_>>()
        };
        assert!(judge(&of(25)).is_empty());
        assert_eq!(judge(&of(26)).len(), 1);
    }
}
