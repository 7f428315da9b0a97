//! Every pod has a service account that exists, its pull secrets, and a token where one is wanted.
//!
//! Not done: the annotation that limits which secrets a service account's pods may mount.

use serde_json::{Value, json};

use crate::admission::outcome::No;
use crate::admission::pod::{CONTAINER_LISTS, Pod, find_mut};
use crate::admission::read::{At, array_in, object_at};
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let target = &review.request.target;
    if !target.is("Pod") || review.request.operation != AdmissionOperation::Create {
        return Ok(());
    }
    let (Some(object), Some(namespace)) = (draft.object.as_mut(), review.namespace()) else {
        return Ok(());
    };
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    if pod.is_mirror()? {
        return Ok(());
    }
    let name = pod.service_account()?.to_owned();
    let empty = json!({});
    let account = match review
        .cluster
        .objects()
        .get("ServiceAccount", Some(namespace), &name)
    {
        Some(account) => account,
        // Every namespace has this one.
        None if name == "default" => &empty,
        None => return Err(missing(review, namespace, &name)),
    };
    let account = At::root(account);
    let pulls = pod.spec.list("imagePullSecrets")?.is_empty();
    let pull_secrets = account.field("imagePullSecrets")?.filter(|_| pulls);
    let automount = match pod.spec.flag_of("automountServiceAccountToken")? {
        Some(own) => own,
        None => account.flag_of("automountServiceAccountToken")?.unwrap_or(true),
    };
    let token = account
        .list("secrets")?
        .first()
        .map(|secret| secret.text_of("name"))
        .transpose()?;
    let token = token.flatten().filter(|_| automount);
    let mut wanting = Vec::new();
    for list in CONTAINER_LISTS {
        for (index, container) in pod.spec.list(list)?.iter().enumerate() {
            let mut mounted = false;
            for mount in container.list("volumeMounts")? {
                mounted |= mount.text_of("mountPath")? == Some(TOKEN_PATH);
            }
            if !mounted {
                wanting.push((list, index));
            }
        }
    }
    let Some(pod) = find_mut(target, object) else {
        return Ok(());
    };
    let spec = object_at(pod, &["spec"])?;
    spec.insert("serviceAccountName".to_owned(), json!(name));
    if let Some(secrets) = pull_secrets {
        spec.insert("imagePullSecrets".to_owned(), secrets.value.clone());
    }
    if let Some(token) = token.filter(|_| !wanting.is_empty()) {
        let volumes = array_in(spec, "volumes")?;
        if !volumes
            .iter()
            .any(|volume| volume.get("name").and_then(Value::as_str) == Some(token))
        {
            volumes.push(json!({"name": token, "secret": {"secretName": token}}));
        }
        for (list, index) in wanting {
            let container = spec.get_mut(list).and_then(|list| list.get_mut(index));
            if let Some(container) = container {
                let mounts = array_in(object_at(container, &[])?, "volumeMounts")?;
                mounts.push(json!({"name": token, "readOnly": true, "mountPath": TOKEN_PATH}));
            }
        }
        draft.note(format!("mounted the token {token} of the service account {name}"));
    }
    Ok(())
}

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let (target, Some(object)) = (&review.request.target, draft.object.as_ref()) else {
        return Ok(());
    };
    if !target.is("Pod") || review.request.operation != AdmissionOperation::Create {
        return Ok(());
    }
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    if !pod.is_mirror()? {
        return Ok(());
    }
    // What a kubelet runs by itself must not get at the secrets of the cluster.
    let named = pod
        .spec
        .text_of("serviceAccountName")?
        .is_some_and(|name| !name.is_empty());
    if named {
        return Err(review.forbidden("a mirror pod may not reference service accounts"));
    }
    for volume in pod.spec.list("volumes")? {
        if volume.field("secret")?.is_some() || volume.field("projected")?.is_some() {
            return Err(review.forbidden("a mirror pod may not reference secrets"));
        }
    }
    Ok(())
}

fn missing(review: &Review<'_>, namespace: &str, name: &str) -> No {
    review.forbidden(format!(
        "error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found"
    ))
}
