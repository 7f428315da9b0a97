//! What the file systems of the images hold. No shell, no package manager, no authorities: only what a program opens.

use std::path::{Path, PathBuf};

use super::catalogue::Content;
use super::digest;
use super::libraries;
use super::programs::{self, Programs};
use super::tree::Tree;
use crate::failure::{Failure, Outcome};
use crate::packages;

const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";
/// Users from files, machines from files and then DNS, so that containers find each other.
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// What nginx does until it is given a configuration: it answers, and has nothing.
const NGINX: &str = "user nobody nogroup;\nworker_processes auto;\npid /run/nginx.pid;\nerror_log /dev/stderr;\n\
    events { worker_connections 1024; }\n\
    http {\n    include /etc/nginx/mime.types;\n    access_log /dev/stdout;\n    server_tokens off;\n    \
    server { listen 80 default_server; return 404; }\n}\n";

/// One layer as images carry it.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) what: &'static str,
    pub(super) digest: String,
    pub(super) archive: Vec<u8>,
}

/// All layers.
#[derive(Debug)]
pub(super) struct Layers {
    /// Below everything.
    pub(super) base: Layer,
    own: Layer,
    etcd: Layer,
    nginx: Layer,
}

impl Layers {
    /// Reads everything from this machine.
    pub(super) fn collect(programs: &Programs) -> Outcome<Self> {
        let base = base(&[&programs.ucp, &programs.agent, &programs.controller])?;
        let own = own(programs)?.without(&base);
        let etcd = foreign(&[("/bin/etcd", "etcd"), ("/bin/etcdctl", "etcdctl")])?.without(&base);
        let nginx = nginx()?.without(&base);
        Ok(Self {
            base: layer("libraries and accounts", &base)?,
            own: layer("ucp, ucp-agent and ucp-controller", &own)?,
            etcd: layer("etcd and etcdctl", &etcd)?,
            nginx: layer("nginx", &nginx)?,
        })
    }

    /// The layer above the base.
    pub(super) fn of(&self, content: Content) -> &Layer {
        match content {
            Content::Own => &self.own,
            Content::Etcd => &self.etcd,
            Content::Nginx => &self.nginx,
        }
    }

    /// Every layer once.
    pub(super) fn all(&self) -> [&Layer; 4] {
        [&self.base, &self.own, &self.etcd, &self.nginx]
    }
}

fn layer(what: &'static str, tree: &Tree) -> Outcome<Layer> {
    let archive = tree.archive()?;
    Ok(Layer {
        what,
        digest: digest::hex(&archive),
        archive,
    })
}

fn base(programs: &[&Path]) -> Outcome<Tree> {
    let mut tree = Tree::default();
    tree.directory("/tmp", 0o1777);
    tree.directory("/run", 0o755);
    tree.directory("/root", 0o700);
    tree.text("/etc/passwd", PASSWD);
    tree.text("/etc/group", GROUP);
    tree.text("/etc/nsswitch.conf", NSSWITCH);
    for program in programs {
        libraries_of(program, &mut tree)?;
    }
    Ok(tree)
}

fn own(programs: &Programs) -> Outcome<Tree> {
    let mut tree = Tree::default();
    for (path, source) in [
        ("/bin/ucp", &programs.ucp),
        ("/bin/ucp-agent", &programs.agent),
        ("/bin/ucp-controller", &programs.controller),
    ] {
        tree.program(Path::new(path), &programs::stripped(source)?)?;
    }
    Ok(tree)
}

/// Programs of the distribution, with their libraries.
fn foreign(wanted: &[(&str, &str)]) -> Outcome<Tree> {
    let mut tree = Tree::default();
    for (path, name) in wanted {
        let source = installed(name)?;
        tree.program(Path::new(path), &source)?;
        libraries_of(&source, &mut tree)?;
    }
    Ok(tree)
}

fn nginx() -> Outcome<Tree> {
    let mut tree = foreign(&[("/usr/sbin/nginx", "nginx")])?;
    tree.text("/etc/nginx/nginx.conf", NGINX);
    let types = Path::new("/etc/nginx/mime.types");
    tree.copy(types, types)?;
    tree.directory("/var/lib/nginx", 0o755);
    tree.directory("/var/log/nginx", 0o755);
    Ok(tree)
}

/// Libraries lie where the program's loader looks for them, whatever links there are on this machine.
fn libraries_of(program: &Path, tree: &mut Tree) -> Outcome {
    for library in libraries::of(program)? {
        tree.program(&library, &library)?;
    }
    Ok(())
}

fn installed(name: &str) -> Outcome<PathBuf> {
    packages::find(name).ok_or_else(|| Failure::Precondition(format!("{name} is not installed")))
}

#[cfg(test)]
impl Layers {
    /// Small layers that need nothing of this machine.
    pub(super) fn sample() -> Self {
        let one = |path: &str, content: &str| {
            let mut tree = Tree::default();
            tree.text(path, content);
            layer("a sample", &tree).unwrap()
        };
        Self {
            base: one("/etc/passwd", PASSWD),
            own: one("/bin/ucp", "ucp"),
            etcd: one("/bin/etcd", "etcd"),
            nginx: one("/etc/nginx/nginx.conf", NGINX),
        }
    }
}
