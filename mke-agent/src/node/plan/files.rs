//! What is written into volumes: which files and certificates are missing or not as they are wanted.

use super::Work;
use crate::node::desired::{CertificateSpec, FileContent};
use crate::node::observed::{ObservedCertificate, ObservedFile, ObservedVolume};
use crate::node::step::Action;
use mke_core::time::Timestamp;

/// A certificate is renewed when this part of its time is left.
const RENEWAL: u32 = 3;

impl Work<'_> {
    pub(super) fn files(&mut self) {
        for wanted in &self.desired.files {
            let reason = match self.look(&wanted.volume, &wanted.path) {
                Look::Unseen => continue,
                Look::Missing => "it is missing".to_owned(),
                Look::Found(found) => match (&wanted.content, wanted.digest()) {
                    (FileContent::Text(_), Some(digest)) if found.digest != digest => {
                        "its content is not what is wanted".to_owned()
                    }
                    _ if found.mode != wanted.mode => {
                        format!(
                            "its permissions are {:o} and shall be {:o}",
                            found.mode, wanted.mode
                        )
                    }
                    _ => continue,
                },
            };
            let needs = self.volumes.get(&wanted.volume).cloned().unwrap_or_default();
            let needs = needs.into_iter().take(1).collect();
            let place = self.step(Action::WriteFile(wanted.clone()), reason, needs);
            self.volumes.entry(wanted.volume.clone()).or_default().push(place);
        }
    }

    pub(super) fn certificates(&mut self) {
        for wanted in &self.desired.certificates {
            let reason = match self.look(&wanted.volume, CertificateSpec::FILE) {
                Look::Unseen => continue,
                Look::Missing => "it is missing".to_owned(),
                Look::Found(file) => {
                    let why = file.certificate.as_ref().map_or_else(
                        || Some("it is no certificate".to_owned()),
                        |found| unfit(wanted, found, self.observed.at),
                    );
                    match why {
                        Some(why) => why,
                        None => continue,
                    }
                }
            };
            let needs = self.volumes.get(&wanted.volume).cloned().unwrap_or_default();
            let place = self.step(Action::IssueCertificate(wanted.clone()), reason, needs);
            self.volumes.entry(wanted.volume.clone()).or_default().push(place);
        }
    }

    fn look(&self, volume: &str, path: &str) -> Look<'_> {
        match self.observed.volumes.get(volume) {
            None => Look::Missing,
            Some(ObservedVolume { files: None, .. }) => Look::Unseen,
            Some(ObservedVolume {
                files: Some(files), ..
            }) => files.get(path).map_or(Look::Missing, Look::Found),
        }
    }
}

/// What is known about a file.
enum Look<'l> {
    /// Nobody could look into its volume.
    Unseen,
    /// It is not there.
    Missing,
    /// It is there.
    Found(&'l ObservedFile),
}

/// Why a certificate must be issued anew.
fn unfit(wanted: &CertificateSpec, found: &ObservedCertificate, now: Timestamp) -> Option<String> {
    let mut why = Vec::new();
    if found.common_name != wanted.common_name {
        why.push(format!(
            "it is for {:?} and shall be for {:?}",
            found.common_name, wanted.common_name
        ));
    }
    if found.unit != wanted.unit {
        why.push(format!(
            "it says {:?} and shall say {:?}",
            found.unit, wanted.unit
        ));
    }
    let missing: Vec<&str> = wanted
        .names
        .difference(&found.names)
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        why.push(format!("it lacks {}", missing.join(", ")));
    }
    if !found.has_key {
        why.push("its key is missing or another one".to_owned());
    }
    if !found.is_trusted {
        why.push("the cluster's authority did not sign it".to_owned());
    }
    let left = found.not_after.since(now);
    if left.is_zero() {
        why.push(format!("it ended on {}", found.not_after));
    } else if left < found.not_after.since(found.not_before) / RENEWAL {
        why.push(format!("it ends on {}", found.not_after));
    }
    (!why.is_empty()).then(|| why.join("; "))
}
