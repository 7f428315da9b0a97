//! The scripts that point docker and kubectl at the cluster (CLB-004).
//!
//! Each sets the same variables, registers the cluster in the user's own kubeconfig when kubectl is there, and
//! points `KUBECONFIG` at the bundle's file. They are evaluated in the user's shell, so they leave nothing else
//! behind and change no option of it.

use mke_core::names::AccountName;

use super::place::Place;
use super::quote;

/// For `sh` and its kin. Works when it is sourced and when its content is evaluated, from the bundle's directory.
pub(super) fn sh(place: &Place, user: &AccountName) -> String {
    let name = quote::sh(&place.context(user));
    let server = quote::sh(&place.kubernetes());
    format!(
        r#"export DOCKER_TLS_VERIFY=1
export COMPOSE_TLS_VERSION=TLSv1_2
export DOCKER_CERT_PATH="$(pwd)"
export DOCKER_HOST={docker}

if command -v kubectl >/dev/null 2>&1; then
    export KUBECONFIG=
    kubectl config set-cluster {name} --server {server} --certificate-authority "$(pwd)/ca.pem" --embed-certs >/dev/null
    kubectl config set-credentials {name} --client-key "$(pwd)/key.pem" --client-certificate "$(pwd)/cert.pem" --embed-certs >/dev/null
    kubectl config set-context {name} --user {name} --cluster {name} >/dev/null
fi
export KUBECONFIG="$(pwd)/kube.yml"

#
# Client bundle of user {user}
# UCP Instance ID {id}
#
# From inside this directory, set up the shell with
#   eval "$(cat env.sh)"
#
"#,
        docker = quote::sh(&place.docker()),
        user = quote::plain(user.as_str()),
        id = place.cluster_id(),
    )
}

/// For the Windows command prompt. Lines end as it expects.
pub(super) fn cmd(place: &Place, user: &AccountName) -> String {
    let user = quote::plain(user.as_str());
    let name = format!("{}{user}", place.context_prefix());
    let script = format!(
        r#"@echo off
set DOCKER_TLS_VERIFY=1
set COMPOSE_TLS_VERSION=TLSv1_2
set "DOCKER_CERT_PATH=%~dp0"
set DOCKER_HOST={docker}

where kubectl >nul 2>nul
if errorlevel 1 goto :configured
set KUBECONFIG=
kubectl config set-cluster "{name}" --server "{server}" --certificate-authority "%~dp0ca.pem" --embed-certs >nul
kubectl config set-credentials "{name}" --client-key "%~dp0key.pem" --client-certificate "%~dp0cert.pem" --embed-certs >nul
kubectl config set-context "{name}" --user "{name}" --cluster "{name}" >nul
:configured
set "KUBECONFIG=%~dp0kube.yml"

REM
REM Client bundle of user {user}
REM UCP Instance ID {id}
REM
REM From inside this directory, set up the command prompt with
REM   env.cmd
REM
"#,
        docker = place.docker(),
        server = place.kubernetes(),
        id = place.cluster_id(),
    );
    script.replace('\n', "\r\n")
}

/// For PowerShell.
pub(super) fn ps1(place: &Place, user: &AccountName) -> String {
    let user = quote::plain(user.as_str());
    let name = format!("{}{user}", place.context_prefix());
    format!(
        r#"$BundlePath = Split-Path -Parent $MyInvocation.MyCommand.Definition
$Env:DOCKER_TLS_VERIFY = "1"
$Env:COMPOSE_TLS_VERSION = "TLSv1_2"
$Env:DOCKER_CERT_PATH = $BundlePath
$Env:DOCKER_HOST = '{docker}'

if (Get-Command kubectl -ErrorAction SilentlyContinue) {{
    $Env:KUBECONFIG = $null
    kubectl config set-cluster '{name}' --server '{server}' --certificate-authority "$BundlePath/ca.pem" --embed-certs | Out-Null
    kubectl config set-credentials '{name}' --client-key "$BundlePath/key.pem" --client-certificate "$BundlePath/cert.pem" --embed-certs | Out-Null
    kubectl config set-context '{name}' --user '{name}' --cluster '{name}' | Out-Null
}}
$Env:KUBECONFIG = "$BundlePath/kube.yml"

#
# Client bundle of user {user}
# UCP Instance ID {id}
#
# From inside this directory, set up PowerShell with
#   . ./env.ps1
#
"#,
        docker = place.docker(),
        server = place.kubernetes(),
        id = place.cluster_id(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// pki-06: in the scripts for Windows nothing of a hostile name is left but plain letters.
    #[test]
    fn windows_scripts_hold_plain_text_only() {
        let place = Place::new("ucp.example.com", 443, 6443, "abc", false).unwrap();
        let plain_user: AccountName = "jane".parse().unwrap();
        for name in [
            "a&calc",
            "a%path%",
            "a!b",
            "a^b",
            "x\u{2019}(iex)",
            "$(iex)",
            "é`n",
        ] {
            let user: AccountName = name.parse().unwrap();
            for (script, plain) in [
                (cmd(&place, &user), cmd(&place, &plain_user)),
                (ps1(&place, &user), ps1(&place, &plain_user)),
            ] {
                assert!(script.is_ascii());
                assert_eq!(
                    script.replace(&quote::plain(name), "jane"),
                    plain,
                    "{name} must change nothing but itself"
                );
            }
        }
    }
}
