//! The committed lists: `docs/requirements.tsv` and `docs/security-cases.tsv`.

use std::path::Path;

use crate::failure::{Failure, Outcome};

/// One requirement or security case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Such as `AUTH-002` or `proxy-06`.
    pub(crate) id: String,
    /// Such as `auth-local`.
    pub(crate) area: String,
    /// A few words for a person.
    pub(crate) title: String,
    /// `P0` is needed first. Security cases are all `P0`.
    pub(crate) priority: String,
}

/// Reads `id, area, feature, behaviour, priority`.
pub(crate) fn requirements(root: &Path) -> Outcome<Vec<Row>> {
    read(&root.join("docs/requirements.tsv"), |fields| match *fields {
        [id, area, title, _, priority] => Some(row(id, area, title, priority)),
        _ => None,
    })
}

/// Reads `id, statement`; the area is the part of the id before the dash.
pub(crate) fn security(root: &Path) -> Outcome<Vec<Row>> {
    read(&root.join("docs/security-cases.tsv"), |fields| match *fields {
        [id, title] => Some(row(id, id.rsplit_once('-')?.0, title, "P0")),
        _ => None,
    })
}

fn row(id: &str, area: &str, title: &str, priority: &str) -> Row {
    Row {
        id: id.to_owned(),
        area: area.to_owned(),
        title: title.to_owned(),
        priority: priority.to_owned(),
    }
}

/// The first line names the columns.
fn read(path: &Path, parse: impl Fn(&[&str]) -> Option<Row>) -> Outcome<Vec<Row>> {
    let text = std::fs::read_to_string(path).map_err(Failure::file("read", path))?;
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let bad = |what: &str| Failure::No(format!("{}:{}: {what}", path.display(), index + 1));
        let row = parse(&fields).ok_or_else(|| bad("wrong number of columns"))?;
        if rows.iter().any(|other| other.id == row.id) {
            return Err(bad(&format!("id `{}` is there twice", row.id)));
        }
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_its_faults_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list.tsv");
        let parse = |fields: &[&str]| match *fields {
            [id, title] => Some(row(id, "a", title, "P0")),
            _ => None,
        };
        std::fs::write(&file, "id\ttitle\nA-1\tone\nA-2\ttwo\n").unwrap();
        assert_eq!(read(&file, parse).unwrap().len(), 2);
        std::fs::write(&file, "id\ttitle\nA-1\tone\nA-1\ttwo\n").unwrap();
        assert!(
            read(&file, parse)
                .unwrap_err()
                .to_string()
                .contains("list.tsv:3: id `A-1` is there twice")
        );
        std::fs::write(&file, "id\ttitle\nA-1\n").unwrap();
        assert!(
            read(&file, parse)
                .unwrap_err()
                .to_string()
                .contains(":2: wrong number")
        );
    }
}
