//! Every field of a policy, with pods that it allows, changes and refuses.

use mke_rbac::admission::{Cluster, Outcome, Plugin};
use serde_json::{Value, json};

use crate::world::{admin, create, pod, secured};

/// What a policy makes of a pod.
#[derive(Debug)]
enum Made {
    /// Admits it as it is.
    Same,
    /// Admits it with this at a place.
    With(&'static str, Value),
    /// Refuses it with this place.
    No(&'static str),
}
use Made::{No, Same, With};

/// The cluster with one policy of these fields, beside fields that allow everything. The others are taken away, so
/// that administrators, who may use every policy and every privileged option, meet this one alone.
fn only(fields: &Value, annotations: &Value) -> Cluster {
    let any = json!({"rule": "RunAsAny"});
    let mut spec = json!({"runAsUser": any, "fsGroup": any, "seLinux": any, "supplementalGroups": any, "volumes": ["*"],
        "privileged": true, "hostNetwork": true, "hostPID": true, "hostIPC": true, "allowedCapabilities": ["*"],
        "hostPorts": [{"min": 0, "max": 65535}]});
    for (field, value) in fields.as_object().unwrap() {
        spec[field] = value.clone();
    }
    let policy = json!({"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy",
        "metadata": {"name": "only", "annotations": annotations}, "spec": spec});
    let mut objects = crate::world::objects();
    objects.remove("PodSecurityPolicy", None, "privileged");
    objects.remove("PodSecurityPolicy", None, "unprivileged");
    objects.read(&policy.to_string()).unwrap();
    Cluster::new(objects, &crate::world::model()).unwrap()
}

fn check(fields: &Value, annotations: &Value, object: Value, made: &Made) {
    let case = format!("{fields} {annotations} with {object}");
    let outcome = create(admin(), object.clone(), &only(fields, annotations));
    match (outcome, made) {
        (Outcome::Allowed(admitted), Same | With(..)) => {
            let after = admitted.object.unwrap();
            let mut expected = object["spec"]["containers"].clone();
            if let With(place, value) = made {
                assert_eq!(after.pointer(place), Some(value), "{case}");
                expected = after["spec"]["containers"].clone();
            }
            assert_eq!(after["spec"]["containers"], expected, "{case}");
        }
        (Outcome::Denied(refused), No(place)) => {
            let first = &refused.refusals[0];
            assert_eq!(first.plugin, Plugin::PodSecurityPolicy, "{case}");
            assert!(
                first
                    .message
                    .contains("unable to validate against any pod security policy: ["),
                "{case}"
            );
            let places: Vec<&str> = first.reasons.iter().map(|fault| fault.path.as_str()).collect();
            assert!(places.contains(place), "{case}: {places:?}");
        }
        (outcome, made) => panic!("{case}: expected {made:?}, found {outcome:#?}"),
    }
}

fn rule(rule: &str) -> Value {
    json!({"rule": rule, "ranges": [{"min": 10, "max": 20}, {"min": 30, "max": 40}]})
}

const CONTEXT: &str = "/spec/containers/0/securityContext";

/// PSP-001, PSP-006: what each field of a policy does with containers.
#[test]
fn fields_for_containers() {
    let no = |field: &str| -> &'static str {
        Box::leak(format!("spec.containers[0].securityContext.{field}").into_boxed_str())
    };
    let with =
        |field: &str, value: Value| With(Box::leak(format!("{CONTEXT}/{field}").into_boxed_str()), value);
    for (fields, context, made) in [
        (
            json!({"privileged": false}),
            json!({"privileged": true}),
            No(no("privileged")),
        ),
        (json!({"privileged": false}), json!({"privileged": false}), Same),
        (json!({"privileged": true}), json!({"privileged": true}), Same),
        (
            json!({"allowPrivilegeEscalation": false}),
            json!({"allowPrivilegeEscalation": true}),
            No(no("allowPrivilegeEscalation")),
        ),
        (
            json!({"allowPrivilegeEscalation": false}),
            json!({}),
            with("allowPrivilegeEscalation", json!(false)),
        ),
        (
            json!({"defaultAllowPrivilegeEscalation": true}),
            json!({}),
            with("allowPrivilegeEscalation", json!(true)),
        ),
        (
            json!({"defaultAllowPrivilegeEscalation": false}),
            json!({}),
            with("allowPrivilegeEscalation", json!(false)),
        ),
        (
            json!({"defaultAllowPrivilegeEscalation": false}),
            json!({"allowPrivilegeEscalation": true}),
            Same,
        ),
        (json!({}), json!({}), Same),
        (
            json!({"readOnlyRootFilesystem": true}),
            json!({"readOnlyRootFilesystem": false}),
            No(no("readOnlyRootFilesystem")),
        ),
        (
            json!({"readOnlyRootFilesystem": true}),
            json!({}),
            with("readOnlyRootFilesystem", json!(true)),
        ),
        (
            json!({"readOnlyRootFilesystem": false}),
            json!({"readOnlyRootFilesystem": true}),
            Same,
        ),
        (
            json!({"runAsUser": rule("MustRunAs")}),
            json!({}),
            with("runAsUser", json!(10)),
        ),
        (
            json!({"runAsUser": rule("MustRunAs")}),
            json!({"runAsUser": 35}),
            Same,
        ),
        (
            json!({"runAsUser": rule("MustRunAs")}),
            json!({"runAsUser": 25}),
            No(no("runAsUser")),
        ),
        (
            json!({"runAsUser": rule("MustRunAs")}),
            json!({"runAsUser": 0}),
            No(no("runAsUser")),
        ),
        (
            json!({"runAsUser": {"rule": "MustRunAsNonRoot"}}),
            json!({}),
            with("runAsNonRoot", json!(true)),
        ),
        (
            json!({"runAsUser": {"rule": "MustRunAsNonRoot"}}),
            json!({"runAsUser": 0}),
            No(no("runAsUser")),
        ),
        (
            json!({"runAsUser": {"rule": "MustRunAsNonRoot"}}),
            json!({"runAsNonRoot": false}),
            No(no("runAsNonRoot")),
        ),
        (
            json!({"runAsGroup": rule("MustRunAs")}),
            json!({}),
            with("runAsGroup", json!(10)),
        ),
        (
            json!({"runAsGroup": rule("MustRunAs")}),
            json!({"runAsGroup": 41}),
            No(no("runAsGroup")),
        ),
        (json!({"runAsGroup": rule("MayRunAs")}), json!({}), Same),
        (
            json!({"runAsGroup": rule("MayRunAs")}),
            json!({"runAsGroup": 9}),
            No(no("runAsGroup")),
        ),
        (
            json!({"allowedCapabilities": []}),
            json!({"capabilities": {"add": ["CHOWN"]}}),
            No(no("capabilities.add")),
        ),
        (
            json!({"allowedCapabilities": ["CHOWN"]}),
            json!({"capabilities": {"add": ["CHOWN"]}}),
            Same,
        ),
        (
            json!({"allowedCapabilities": ["CHOWN"]}),
            json!({"capabilities": {"add": ["CHOWN", "KILL"]}}),
            No(no("capabilities.add")),
        ),
        (
            json!({"allowedCapabilities": [], "defaultAddCapabilities": ["KILL"]}),
            json!({}),
            with("capabilities/add", json!(["KILL"])),
        ),
        (
            json!({"allowedCapabilities": [], "defaultAddCapabilities": ["KILL"]}),
            json!({"capabilities": {"drop": ["KILL"]}}),
            Same,
        ),
        (
            json!({"allowedCapabilities": [], "requiredDropCapabilities": ["ALL"]}),
            json!({}),
            with("capabilities/drop", json!(["ALL"])),
        ),
        (
            json!({"allowedCapabilities": [], "requiredDropCapabilities": ["KILL"]}),
            json!({"capabilities": {"drop": ["KILL", "CHOWN"]}}),
            Same,
        ),
        (
            json!({"requiredDropCapabilities": ["KILL"]}),
            json!({"capabilities": {"add": ["KILL"]}}),
            No(no("capabilities.add")),
        ),
        (json!({}), json!({"procMount": "Unmasked"}), No(no("procMount"))),
        (json!({}), json!({"procMount": "Default"}), Same),
        (
            json!({"allowedProcMountTypes": ["Unmasked"]}),
            json!({"procMount": "Unmasked"}),
            Same,
        ),
        (
            json!({"allowedProcMountTypes": ["*"]}),
            json!({"procMount": "Unmasked"}),
            Same,
        ),
        (
            json!({"seLinux": {"rule": "MustRunAs", "seLinuxOptions": {"level": "s0:c1,c2"}}}),
            json!({"seLinuxOptions": {"level": "s0:c2,c1"}}),
            Same,
        ),
        (
            json!({"seLinux": {"rule": "MustRunAs", "seLinuxOptions": {"level": "s0:c1", "user": "u"}}}),
            json!({"seLinuxOptions": {"level": "s0:c1"}}),
            No(no("seLinuxOptions.user")),
        ),
    ] {
        check(&fields, &json!({}), secured(context), &made);
    }
}

/// PSP-001: what each field of a policy does with the pod as a whole.
#[test]
fn fields_for_pods() {
    let volume = |source: Value| {
        let mut volume = json!({"name": "v"});
        for (field, value) in source.as_object().unwrap() {
            volume[field] = value.clone();
        }
        json!({"volumes": [volume]})
    };
    let host = |path: &str, read_only: bool| {
        let mut spec = volume(json!({"hostPath": {"path": path}}));
        spec["containers"] = json!([{"name": "a", "image": "x", "volumeMounts": [{"name": "v", "mountPath": "/m", "readOnly": read_only}]}]);
        spec
    };
    let ports = |port: Value| json!({"containers": [{"name": "a", "image": "x", "ports": [port]}]});
    let sysctl = |name: &str| json!({"securityContext": {"sysctls": [{"name": name, "value": "1"}]}});
    let paths =
        json!({"allowedHostPaths": [{"pathPrefix": "/data"}, {"pathPrefix": "/etc", "readOnly": true}]});
    let classes = json!({"runtimeClass": {"allowedRuntimeClassNames": ["gvisor"], "defaultRuntimeClassName": "gvisor"}});
    for (fields, spec, made) in [
        (
            json!({"hostNetwork": false}),
            json!({"hostNetwork": true}),
            No("spec.hostNetwork"),
        ),
        (
            json!({"hostPID": false}),
            json!({"hostPID": true}),
            No("spec.hostPID"),
        ),
        (
            json!({"hostIPC": false}),
            json!({"hostIPC": true}),
            No("spec.hostIPC"),
        ),
        (
            json!({}),
            json!({"hostNetwork": true, "hostPID": true, "hostIPC": true}),
            Same,
        ),
        (
            json!({"volumes": ["secret"]}),
            volume(json!({"hostPath": {"path": "/"}})),
            No("spec.volumes[0].hostPath"),
        ),
        (
            json!({"volumes": ["secret"]}),
            volume(json!({"secret": {"secretName": "s"}})),
            Same,
        ),
        (
            json!({"volumes": ["secret"]}),
            volume(json!({})),
            No("spec.volumes[0]"),
        ),
        (json!({"volumes": ["emptyDir"]}), volume(json!({})), Same),
        (
            json!({"volumes": []}),
            volume(json!({"configMap": {}})),
            No("spec.volumes[0].configMap"),
        ),
        (json!({"volumes": ["hostPath"]}), host("/anything", false), Same),
        (paths.clone(), host("/data/x", false), Same),
        (
            paths.clone(),
            host("/database", false),
            No("spec.volumes[0].hostPath.path"),
        ),
        (
            paths.clone(),
            host("/data/../root", false),
            No("spec.volumes[0].hostPath.path"),
        ),
        (paths.clone(), host("/etc/hosts", true), Same),
        (
            paths,
            host("/etc/hosts", false),
            No("spec.containers[0].volumeMounts[0].readOnly"),
        ),
        (
            json!({"allowedFlexVolumes": [{"driver": "a/b"}]}),
            volume(json!({"flexVolume": {"driver": "a/b"}})),
            Same,
        ),
        (
            json!({"allowedFlexVolumes": [{"driver": "a/b"}]}),
            volume(json!({"flexVolume": {"driver": "c/d"}})),
            No("spec.volumes[0].flexVolume.driver"),
        ),
        (
            json!({"allowedCSIDrivers": [{"name": "a"}]}),
            volume(json!({"csi": {"driver": "b"}})),
            No("spec.volumes[0].csi.driver"),
        ),
        (
            json!({"hostPorts": []}),
            ports(json!({"containerPort": 80})),
            Same,
        ),
        (
            json!({"hostPorts": []}),
            ports(json!({"containerPort": 80, "hostPort": 80})),
            No("spec.containers[0].ports[0].hostPort"),
        ),
        (
            json!({"hostPorts": [{"min": 80, "max": 81}]}),
            ports(json!({"containerPort": 1, "hostPort": 81})),
            Same,
        ),
        (
            json!({"hostPorts": [{"min": 80, "max": 81}]}),
            ports(json!({"containerPort": 1, "hostPort": 82})),
            No("spec.containers[0].ports[0].hostPort"),
        ),
        (
            json!({"hostPorts": []}),
            json!({"hostNetwork": true, "containers": [{"name": "a", "image": "x", "ports": [{"containerPort": 80}]}]}),
            No("spec.containers[0].ports[0].hostPort"),
        ),
        (
            json!({"fsGroup": rule("MustRunAs")}),
            json!({}),
            With("/spec/securityContext/fsGroup", json!(10)),
        ),
        (
            json!({"fsGroup": rule("MustRunAs")}),
            json!({"securityContext": {"fsGroup": 25}}),
            No("spec.securityContext.fsGroup"),
        ),
        (
            json!({"fsGroup": rule("MayRunAs")}),
            json!({"securityContext": {"fsGroup": 30}}),
            Same,
        ),
        (
            json!({"supplementalGroups": rule("MustRunAs")}),
            json!({}),
            With("/spec/securityContext/supplementalGroups", json!([10])),
        ),
        (
            json!({"supplementalGroups": rule("MayRunAs")}),
            json!({"securityContext": {"supplementalGroups": [10, 50]}}),
            No("spec.securityContext.supplementalGroups"),
        ),
        (json!({}), sysctl("net.ipv4.tcp_syncookies"), Same),
        (
            json!({}),
            sysctl("net.ipv4.ip_forward"),
            No("spec.securityContext.sysctls[0].name"),
        ),
        (
            json!({"allowedUnsafeSysctls": ["net.*"]}),
            sysctl("net.ipv4.ip_forward"),
            Same,
        ),
        (
            json!({"allowedUnsafeSysctls": ["net.*"]}),
            sysctl("net/ipv4/ip_forward"),
            Same,
        ),
        (
            json!({"forbiddenSysctls": ["net.ipv4.*"]}),
            sysctl("net.ipv4.tcp_syncookies"),
            No("spec.securityContext.sysctls[0].name"),
        ),
        (
            json!({"forbiddenSysctls": ["*"], "allowedUnsafeSysctls": ["*"]}),
            sysctl("kernel.msgmax"),
            No("spec.securityContext.sysctls[0].name"),
        ),
        (
            classes.clone(),
            json!({}),
            With("/spec/runtimeClassName", json!("gvisor")),
        ),
        (classes.clone(), json!({"runtimeClassName": "gvisor"}), Same),
        (
            classes,
            json!({"runtimeClassName": "runc"}),
            No("spec.runtimeClassName"),
        ),
        (
            json!({"runtimeClass": {"allowedRuntimeClassNames": []}}),
            json!({"runtimeClassName": "runc"}),
            No("spec.runtimeClassName"),
        ),
        (
            json!({"runtimeClass": {"allowedRuntimeClassNames": ["*"]}}),
            json!({"runtimeClassName": "runc"}),
            Same,
        ),
        (
            json!({"seLinux": {"rule": "MustRunAs", "seLinuxOptions": {"level": "s0"}}}),
            json!({}),
            With("/spec/securityContext/seLinuxOptions", json!({"level": "s0"})),
        ),
        (
            json!({"seLinux": {"rule": "MustRunAs", "seLinuxOptions": {"level": "s0"}}}),
            json!({"securityContext": {"seLinuxOptions": {"level": "s1"}}}),
            No("spec.securityContext.seLinuxOptions.level"),
        ),
        (
            json!({"runAsUser": rule("MustRunAs")}),
            json!({"securityContext": {"runAsUser": 11}}),
            Same,
        ),
        (
            json!({"runAsUser": rule("MustRunAs")}),
            json!({"securityContext": {"runAsUser": 1}}),
            No("spec.securityContext.runAsUser"),
        ),
    ] {
        check(&fields, &json!({}), pod(spec), &made);
    }
}

/// PSP-006: profiles for seccomp and AppArmor lie in annotations.
#[test]
fn profiles() {
    let seccomp =
        |allowed: &str| json!({"seccomp.security.alpha.kubernetes.io/allowedProfileNames": allowed});
    let apparmor =
        json!({"apparmor.security.beta.kubernetes.io/allowedProfileNames": "runtime/default,localhost/x"});
    let apparmor_default = json!({"apparmor.security.beta.kubernetes.io/allowedProfileNames": "runtime/default",
        "apparmor.security.beta.kubernetes.io/defaultProfileName": "runtime/default"});
    let pod_key = "seccomp.security.alpha.kubernetes.io/pod";
    let container_key = "container.seccomp.security.alpha.kubernetes.io/main";
    let armor_key = "container.apparmor.security.beta.kubernetes.io/main";
    let annotated = |annotations: Value| {
        let mut object = pod(json!({}));
        object["metadata"]["annotations"] = annotations;
        object
    };
    for (limits, object, made) in [
        (json!({}), pod(json!({})), Same),
        (
            json!({}),
            annotated(json!({pod_key: "unconfined"})),
            No("metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]"),
        ),
        (seccomp("*"), annotated(json!({pod_key: "unconfined"})), Same),
        (
            seccomp("runtime/default"),
            annotated(json!({pod_key: "docker/default"})),
            Same,
        ),
        (
            seccomp("runtime/default"),
            pod(json!({})),
            No("metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]"),
        ),
        (
            seccomp("runtime/default"),
            annotated(json!({pod_key: "runtime/default", container_key: "unconfined"})),
            No("metadata.annotations[container.seccomp.security.alpha.kubernetes.io/main]"),
        ),
        (
            apparmor.clone(),
            annotated(json!({armor_key: "localhost/x"})),
            Same,
        ),
        (
            apparmor.clone(),
            annotated(json!({armor_key: "unconfined"})),
            No("metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]"),
        ),
        (
            apparmor,
            pod(json!({})),
            No("metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]"),
        ),
        (
            apparmor_default,
            pod(json!({})),
            With(
                "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1main",
                json!("runtime/default"),
            ),
        ),
    ] {
        check(&json!({}), &limits, object, &made);
    }
}
