//! JUnit XML: the form in which pipelines show test results.

use super::{TestOutcome, TestReport, TestResult};

/// Writes a report. Time is not measured: checks take microseconds.
pub(super) fn write(report: &TestReport) -> String {
    let (count, failed, errors) = (report.tests.len(), report.failed, report.errors);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{count}\" failures=\"{failed}\" errors=\"{errors}\">\n  \
         <testsuite name=\"policy\" tests=\"{count}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"0\" time=\"0\">\n"
    );
    for test in &report.tests {
        case(test, &mut text);
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn case(test: &TestResult, text: &mut String) {
    text.push_str(&format!(
        "    <testcase classname=\"policy\" name=\"{}\" time=\"0\"",
        escaped(&test.name)
    ));
    let (element, message) = match test.outcome {
        TestOutcome::Passed => return text.push_str("/>\n"),
        TestOutcome::Failed => ("failure", format!("{} against it", test.count)),
        TestOutcome::Error => ("error", test.message.clone().unwrap_or_default()),
    };
    text.push_str(&format!(
        ">\n      <{element} message=\"{}\">{}</{element}>\n    </testcase>\n",
        escaped(&message),
        escaped(&test.details().join("\n"))
    ));
}

/// Text inside an element or an attribute. Characters that XML 1.0 cannot hold are replaced, and white space in
/// attributes survives as references.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
