//! Names in new bindings become ids (K8S-004, R82).

use serde_json::Value;

use crate::admission::outcome::No;
use crate::admission::read::{At, array_in, object_at};
use crate::admission::review::{Draft, Review};
use crate::kubernetes::BindingSubject;

pub(super) fn rewrite(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let target = &review.request.target;
    let Some(object) = draft.object.as_mut() else {
        return Ok(());
    };
    if !target.is("RoleBinding") && !target.is("ClusterRoleBinding") {
        return Ok(());
    }
    let mut changes = Vec::new();
    for (index, subject) in At::root(object).list("subjects")?.into_iter().enumerate() {
        let Some(name) = subject.text_of("name")?.map(str::to_owned) else {
            continue;
        };
        let written = match subject.text_of("kind")? {
            Some("User") => BindingSubject::User { name },
            Some("Group") => BindingSubject::Group { name },
            _ => continue,
        };
        let rewritten = review.cluster.rewrite(&written);
        if let (BindingSubject::User { name: from }, BindingSubject::User { name: to })
        | (BindingSubject::Group { name: from }, BindingSubject::Group { name: to }) = (written, rewritten)
            && from != to
        {
            changes.push((index, from, to));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let subjects = array_in(object_at(object, &[])?, "subjects")?;
    let mut notes = Vec::new();
    for (index, from, to) in changes {
        if let Some(name) = subjects
            .get_mut(index)
            .and_then(|subject| subject.get_mut("name"))
        {
            notes.push(format!("subject {from} is {to}"));
            *name = Value::String(to);
        }
    }
    for note in notes {
        draft.note(note);
    }
    Ok(())
}
