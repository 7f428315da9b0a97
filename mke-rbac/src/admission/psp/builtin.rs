//! The two policies that every cluster has, their roles, and the binding that gives everybody the privileged one
//! (R92, PSP-001).

/// The manifests of the policies, their roles and the default binding.
///
/// The privileged one also allows every seccomp profile, because under it pods may ask for what they like.
pub const MANIFESTS: &str = r#"
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: privileged
  annotations:
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: '*'
spec:
  allowPrivilegeEscalation: true
  allowedCapabilities: ['*']
  fsGroup: {rule: RunAsAny}
  hostIPC: true
  hostNetwork: true
  hostPID: true
  hostPorts: [{max: 65535, min: 0}]
  privileged: true
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  volumes: ['*']
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: unprivileged
spec:
  allowPrivilegeEscalation: false
  allowedHostPaths: [{pathPrefix: /dev/null, readOnly: true}]
  fsGroup: {rule: RunAsAny}
  hostPorts: [{max: 65535, min: 0}]
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  volumes: ['*']
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: privileged-psp-role
rules:
- {apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [privileged], verbs: [use]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: unprivileged-psp-role
rules:
- {apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [unprivileged], verbs: [use]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ucp:all:privileged-psp-role
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: privileged-psp-role}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:authenticated}
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:serviceaccounts}
"#;

/// The binding that gives everybody the privileged policy.
pub const DEFAULT_BINDING: &str = "ucp:all:privileged-psp-role";
