//! What is written into volumes: which files are missing or not as they are wanted, and what certificates need.

use super::Work;
use crate::node::desired::FileContent;
use crate::node::observed::{ObservedFile, ObservedVolume};
use crate::node::step::Action;

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

    /// What certificates need is found out where they are known; here it only gets its place among the steps.
    pub(super) fn certificates(&mut self) {
        let observed = self.observed;
        for need in &observed.certificates {
            if !self
                .desired
                .volumes
                .iter()
                .any(|volume| volume.name == need.volume)
            {
                continue;
            }
            let needs = self.volumes.get(&need.volume).cloned().unwrap_or_default();
            let place = self.step(Action::Certificate(need.clone()), &*need.reason, needs);
            self.volumes.entry(need.volume.clone()).or_default().push(place);
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
