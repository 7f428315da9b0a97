//! Audit logs, and files of changes: lines are read or complained about, and what was read can be sent on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_rbac::inquiry::log::{AuditLog, LogReader};
use mke_rbac::inquiry::{WhatIf, changes};

fuzz_target!(|text: &str| {
    let mut reader = LogReader::default();
    text.lines().for_each(|line| reader.line(line));
    let json = serde_json::to_string(&reader.finish()).expect("logs can be written");
    let log: AuditLog = serde_json::from_str(&json).expect("our own log is accepted");
    assert_eq!(serde_json::to_string(&log).expect("logs can be written"), json);

    let _ = changes(text);
    let _ = WhatIf::applying(text);
    for read in [WhatIf::joining, WhatIf::leaving, WhatIf::moving, WhatIf::deleting] {
        let _ = read(text);
    }
});
