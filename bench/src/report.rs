//! The tables of a run, as Markdown for people and as JSON for scripts.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::args::Format;
use crate::error::BenchError;
use crate::facts::Facts;
use crate::stats::Spread;

/// One entry of a table. Its unit stands in the head of its column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Words.
    Text(String),
    /// A number.
    Number(f64),
    /// Median, least and greatest over rounds.
    Range(Spread),
    /// Does not apply.
    Nothing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

impl From<Option<Spread>> for Cell {
    fn from(spread: Option<Spread>) -> Self {
        spread.map_or(Self::Nothing, Self::Range)
    }
}

impl Cell {
    fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => figures(*number),
            Self::Range(spread) => format!(
                "{} ({}–{})",
                figures(spread.median),
                figures(spread.least),
                figures(spread.greatest)
            ),
            Self::Nothing => "–".to_owned(),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Range(spread) => {
                json!({ "median": spread.median, "least": spread.least, "greatest": spread.greatest })
            }
            Self::Nothing => Value::Null,
        }
    }
}

/// Three significant figures: rounds differ in the second.
fn figures(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude >= 100.0 || number == 0.0 {
        format!("{number:.0}")
    } else if magnitude >= 10.0 {
        format!("{number:.1}")
    } else if magnitude >= 0.1 {
        format!("{number:.2}")
    } else {
        format!("{number:.4}")
    }
}

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    notes: Vec<String>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.to_vec(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row; its cells stand under the columns in order.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a sentence below the table.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    fn write_markdown(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## {}\n", self.title)?;
        writeln!(text, "| {} |", self.columns.join(" | "))?;
        writeln!(text, "|{}", " --- |".repeat(self.columns.len()))?;
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(Cell::to_text).collect();
            writeln!(text, "| {} |", cells.join(" | "))?;
        }
        if !self.notes.is_empty() {
            writeln!(text)?;
        }
        for note in &self.notes {
            writeln!(text, "- {note}")?;
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        let row = |cells: &Vec<Cell>| -> Map<String, Value> {
            let named = self.columns.iter().zip(cells);
            named
                .map(|(column, cell)| ((*column).to_owned(), cell.to_json()))
                .collect()
        };
        json!({
            "title": self.title,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) facts: Facts,
    pub(crate) tables: Vec<Table>,
}

impl Report {
    /// The report as text that ends with a line break.
    pub(crate) fn render(&self, format: Format) -> Result<String, BenchError> {
        let mut text = String::new();
        match format {
            Format::Text => self.write_markdown(&mut text),
            Format::Json => writeln!(text, "{:#}", self.to_json()?),
        }
        .map_err(|_| BenchError::Malformed {
            what: "the report".to_owned(),
            missing: "room in memory",
        })?;
        Ok(text)
    }

    fn write_markdown(&self, text: &mut String) -> std::fmt::Result {
        for (what, value) in self.facts.lines() {
            writeln!(text, "- {what}: {value}")?;
        }
        for table in &self.tables {
            table.write_markdown(text)?;
        }
        Ok(())
    }

    fn to_json(&self) -> Result<Value, BenchError> {
        #[derive(Serialize)]
        struct Document<'r> {
            facts: &'r Facts,
            tables: Vec<Value>,
        }
        serde_json::to_value(Document {
            facts: &self.facts,
            tables: self.tables.iter().map(Table::to_json).collect(),
        })
        .map_err(|_| BenchError::Malformed {
            what: "the report".to_owned(),
            missing: "form in JSON",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut table = Table::new("Things", &["call", "ucp, 1/s", "ucp/peer"]);
        let spread = Spread::of([0.85, 0.8, 0.95]);
        table.row(["inspect".into(), 12345.6.into(), spread.into()]);
        table.row(["list".into(), None::<f64>.into(), Cell::Nothing]);
        table.note("Rounds alternate.");
        Report {
            facts: Facts::default(),
            tables: vec![table],
        }
    }

    #[test]
    fn people_read_markdown() {
        let text = report().render(Format::Text).unwrap();
        let table = "\
## Things

| call | ucp, 1/s | ucp/peer |
| --- | --- | --- |
| inspect | 12346 | 0.85 (0.80–0.95) |
| list | – | – |

- Rounds alternate.
";
        assert!(text.ends_with(table), "{text}");
    }

    #[test]
    fn scripts_read_numbers() {
        let document: Value = serde_json::from_str(&report().render(Format::Json).unwrap()).unwrap();
        let rows = &document["tables"][0]["rows"];
        assert_eq!(rows[0]["ucp, 1/s"], json!(12345.6));
        assert_eq!(rows[0]["ucp/peer"]["least"], json!(0.8));
        assert_eq!(rows[1]["ucp, 1/s"], Value::Null);
        assert!(document["facts"].is_object());
    }

    #[test]
    fn numbers_have_three_figures() {
        for (number, text) in [
            (0.0, "0"),
            (0.01234, "0.0123"),
            (0.834, "0.83"),
            (2.5, "2.50"),
            (31.06, "31.1"),
            (1234.5, "1234"),
        ] {
            assert_eq!(figures(number), text);
        }
    }
}
