//! A directory server of OpenLDAP, with a database of its own in a temporary directory.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Certificates, Ldif, free_port};

/// The password of `cn=root,<suffix>`, who may do everything.
pub const ROOT_PASSWORD: &str = "root-secret";

/// The password of `cn=reader,<suffix>`, who may read everything.
pub const READER_PASSWORD: &str = "reader-secret";

/// How long a server may take to answer. Loading a large directory comes before and has no limit.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How a server is set up.
#[derive(Debug, Clone, Copy, Default)]
pub struct SlapdOptions<'a> {
    /// Serves TLS with these certificates, on a port of its own and by StartTLS.
    pub certificates: Option<&'a Certificates>,
    /// More lines for the configuration of the database, such as `sizelimit 10`.
    pub database: &'a str,
    /// More lines for the global part, such as `security ssf=128`.
    pub global: &'a str,
    /// Whether each operation is written to the log.
    pub log: bool,
}

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Slapd {
    directory: tempfile::TempDir,
    suffix: String,
    port: u16,
    tls_port: u16,
    log: bool,
    process: Option<Child>,
}

fn program(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/bin", "/sbin", "/usr/local/libexec"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing; install Debian packages slapd and ldap-utils"))
}

impl Slapd {
    /// Starts a server with these entries.
    pub fn start(entries: &Ldif) -> Self {
        Self::start_with(entries, &SlapdOptions::default())
    }

    /// Starts a server with these entries and options.
    pub fn start_with(entries: &Ldif, options: &SlapdOptions<'_>) -> Self {
        let directory = tempfile::tempdir().expect("a directory for slapd");
        let place = directory.path().to_owned();
        let suffix = entries.suffix().to_owned();
        let tls = options.certificates.map_or_else(String::new, |certificates| {
            let at = certificates.directory().display();
            format!(
                "TLSCACertificateFile {at}/ca.pem\nTLSCertificateFile {at}/server.pem\n\
                 TLSCertificateKeyFile {at}/server.key\n"
            )
        });
        let schemas: String = ["core", "cosine", "inetorgperson", "nis"]
            .iter()
            .map(|name| format!("include /etc/ldap/schema/{name}.schema\n"))
            .collect();
        let configuration = format!(
            "{schemas}pidfile {place}/slapd.pid\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
             moduleload memberof\nsizelimit unlimited\n{tls}{global}\n\
             database mdb\nmaxsize 1073741824\nsuffix \"{suffix}\"\nrootdn \"cn=root,{suffix}\"\n\
             rootpw {ROOT_PASSWORD}\ndirectory {place}/db\nindex objectClass,uid,mail,entryUUID,member eq\n\
             overlay memberof\nmemberof-refint true\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by users read by anonymous auth\n{database}\n",
            place = place.display(),
            global = options.global,
            database = options.database,
        );
        fs::create_dir(place.join("db")).expect("the database's directory is made");
        fs::write(place.join("slapd.conf"), configuration).expect("the configuration is written");
        let mut text = entries.text();
        text.push_str(&format!(
            "dn: cn=reader,{suffix}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
             cn: reader\nuserPassword: {READER_PASSWORD}\n"
        ));
        fs::write(place.join("entries.ldif"), text).expect("the entries are written");
        let output = Command::new(program("slapadd"))
            .args(["-q", "-f"])
            .arg(place.join("slapd.conf"))
            .arg("-l")
            .arg(place.join("entries.ldif"))
            .output()
            .expect("slapadd runs");
        assert!(
            output.status.success(),
            "slapadd: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut server = Self {
            directory,
            suffix,
            port: 0,
            tls_port: 0,
            log: options.log,
            process: None,
        };
        // Somebody else may take a free port before the server does.
        for _ in 0..5 {
            server.port = free_port();
            server.tls_port = if tls.is_empty() { 0 } else { free_port() };
            if server.run() {
                return server;
            }
        }
        panic!("slapd does not start:\n{}", server.log());
    }

    /// Starts the process and waits until it takes connections; false when it ended.
    fn run(&mut self) -> bool {
        let mut urls = format!("ldap://127.0.0.1:{}", self.port);
        if self.tls_port > 0 {
            urls.push_str(&format!(" ldaps://127.0.0.1:{}", self.tls_port));
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))
            .expect("the log is opened");
        let child = Command::new(program("slapd"))
            .args(["-d", if self.log { "stats" } else { "0" }, "-h", &urls, "-f"])
            .arg(self.directory.path().join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("slapd runs");
        let child = self.process.insert(child);
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if !matches!(child.try_wait(), Ok(None)) {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    /// Kills the server; its entries stay.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("slapd is killed");
            process.wait().expect("slapd ends");
        }
    }

    /// Starts it again on its port.
    pub fn restart(&mut self) {
        self.stop();
        assert!(self.run(), "slapd does not start again:\n{}", self.log());
    }

    /// Its address without TLS.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Its address with TLS.
    pub fn tls_url(&self) -> String {
        assert!(self.tls_port > 0, "this server has no certificates");
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// Its port without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The root of its entries.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The DN that may read everything, with [`READER_PASSWORD`].
    pub fn reader(&self) -> String {
        format!("cn=reader,{}", self.suffix)
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// What it wrote to its log, with [`SlapdOptions::log`], once every connection that it took is said to be closed: some lines
    /// of a connection are written after its answers.
    ///
    /// # Panics
    /// When a connection stays open.
    pub fn settled_log(&self) -> String {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let log = self.log();
            if log.matches(" ACCEPT from ").count() == log.matches(" closed").count() {
                return log;
            }
            assert!(Instant::now() < deadline, "a connection stays open:\n{log}");
            std::thread::yield_now();
        }
    }

    /// Changes entries, as LDIF with `changetype`.
    pub fn modify(&self, ldif: &str) {
        let mut child = Command::new(program("ldapmodify"))
            .args([
                "-x",
                "-H",
                &self.url(),
                "-D",
                &format!("cn=root,{}", self.suffix),
                "-w",
                ROOT_PASSWORD,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ldapmodify runs");
        child
            .stdin
            .take()
            .expect("its input is open")
            .write_all(ldif.as_bytes())
            .expect("ldapmodify reads");
        let output = child.wait_with_output().expect("ldapmodify ends");
        assert!(
            output.status.success(),
            "ldapmodify: {}\n{ldif}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Adds an entry with these lines of attributes.
    pub fn add(&self, dn: &str, lines: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: add\n{lines}\n"));
    }

    /// Removes an entry.
    pub fn delete(&self, dn: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: delete\n"));
    }

    /// Gives an entry another name in the same place.
    pub fn rename(&self, dn: &str, new: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modrdn\nnewrdn: {new}\ndeleteoldrdn: 1\n"
        ));
    }

    /// Sets the only value of an attribute.
    pub fn set(&self, dn: &str, attribute: &str, value: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        ));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Nothing is left to say to a server that is gone already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
