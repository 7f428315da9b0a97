//! `ucp backup`: flags, the passphrase, and where archive and log go; see `mke_agent::backup::take`.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mke_agent::backup::archive::{md5, sha256};
use mke_agent::backup::openpgp;
use mke_agent::backup::take::{BackupOptions, Taken, backup};
use mke_agent::install::{Around, Level, Progress};
use mke_core::secret::Secret;
use mke_core::time::{Clock as _, SystemClock};

use super::flags::{LogArgs, TimeoutArgs};
use super::log::Log;
use super::{Failure, begin, broken_off, questions, run_and_owner, told, wait_for};
use crate::error::CliError;
use crate::output::Output;

/// Where documents say to mount the directory for archives in the container.
const MOUNTED: &str = "/backup";
/// The end of the name of a file that is being written.
const PART: &str = ".part";

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("encryption").args(["passphrase", "no_passphrase"]))]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Asks for missing values on the terminal.
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    interactive: bool,
    /// File name for the archive inside the container's tree; needs the directory bind-mounted. Ignored in interactive mode.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Also writes an encrypted log next to the archive; only with --file.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set, requires = "file")]
    include_logs: bool,
    /// Leaves the archive unencrypted.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    no_passphrase: bool,
    /// Encrypts archive and log with this passphrase (PGP compatible).
    #[arg(long, hide_env_values = true)]
    passphrase: Option<String>,
    #[command(flatten)]
    timeout: TimeoutArgs,
}

pub(crate) fn run(args: Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let log = args.log.log();
    let outcome = wait_for(take(args, &log, output));
    told(&log, outcome)
}

async fn take(args: Args, log: &Log, output: &mut Output<'_>) -> Result<(), Failure> {
    let passphrase = passphrase(&args, output)?;
    let around = Around::this_process();
    let target = match &args.file {
        Some(file) if !args.interactive => {
            let archive = place(file, around.in_container, Path::new(MOUNTED))?;
            let log = args.include_logs.then(|| archive.with_extension("log"));
            if log.as_ref() == Some(&archive) {
                return Err(CliError::Usage(
                    "--file: a name that ends with .log is that of the log, choose another one such as backup.tar"
                        .to_owned(),
                )
                .into());
            }
            Target::Files { archive, log }
        }
        _ if io::stdout().is_terminal() => {
            return Err(CliError::Usage(
                "an archive is not written to a terminal: add `> backup.tar`, or give --file".to_owned(),
            )
            .into());
        }
        _ => Target::Stdout,
    };
    let begun = begin(args.log.socket()).await?;
    let cancelled = broken_off();
    let (run, owner) = run_and_owner();
    let options = BackupOptions {
        limit: args.timeout.timeout.0,
        owner,
        run,
    };
    let kept = Arc::new(Kept::default());
    let written = Arc::new(AtomicBool::new(true));
    let both = Both { log, kept: &kept };
    let write = {
        let (kept, written, target) = (kept.clone(), written.clone(), target.clone());
        move |taken: Taken| target.write(&taken, passphrase.as_ref(), &kept, &written)
    };
    let outcome = backup(&begun.daemon, &begun.own, &options, &both, cancelled, write).await;
    if let Err(error) = outcome {
        // The thread that writes may go on for a moment: it must not give an archive its name now.
        written.store(false, Ordering::SeqCst);
        target.forget();
        return Err(error.into());
    }
    both.info(&match &target {
        Target::Stdout => "The backup is complete".to_owned(),
        Target::Files { archive, log: None } => format!("The backup is complete: {}", archive.display()),
        Target::Files {
            archive,
            log: Some(log),
        } => {
            format!(
                "The backup is complete: {} and {}",
                archive.display(),
                log.display()
            )
        }
    });
    Ok(())
}

/// The passphrase, or nothing when the archive stays readable for everybody who has it.
fn passphrase(args: &Args, output: &mut Output<'_>) -> Result<Option<Secret>, CliError> {
    match (&args.passphrase, args.no_passphrase) {
        (Some(text), _) if text.is_empty() => Err(CliError::Usage(
            "--passphrase is empty; give one, or --no-passphrase to leave the archive unencrypted".to_owned(),
        )),
        (Some(text), _) => Ok(Some(Secret::new(text.clone()))),
        (None, true) => Ok(None),
        (None, false) if args.interactive => {
            questions::new_password(output, "Passphrase", |given| match given.is_empty() {
                true => Err("It is empty; end this and give --no-passphrase to encrypt nothing.".to_owned()),
                false => Ok(()),
            })
            .map(Some)
        }
        (None, false) => Err(CliError::Usage(
            "the archive holds private keys: give --passphrase to encrypt it, or --no-passphrase to leave it as it is"
                .to_owned(),
        )),
    }
}

/// Where an archive of this name is written. In a container a directory of the container itself goes with it.
fn place(file: &Path, in_container: bool, mounted: &Path) -> Result<PathBuf, CliError> {
    let refused = |why: String| CliError::Usage(format!("--file: {why}"));
    let path = match in_container && file.is_relative() {
        true => mounted.join(file),
        false => file.to_owned(),
    };
    if path.file_name().is_none() {
        return Err(refused(format!("`{}` is no name of a file", file.display())));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mount = format!(
        "mount a directory of the host there, as with `--volume /tmp:{}`",
        directory.display()
    );
    let device = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.is_dir()));
    match (device(directory), in_container.then(|| device(Path::new("/")))) {
        (Ok((_, false)), _) | (Err(_), _) => Err(refused(format!(
            "there is no directory `{}`; {}",
            directory.display(),
            if in_container {
                mount
            } else {
                "make it first".to_owned()
            }
        ))),
        (Ok((own, true)), Some(Ok((root, _)))) if own == root => Err(refused(format!(
            "`{}` belongs to the container and goes with it; {mount}",
            directory.display()
        ))),
        (Ok(_), _) => Ok(path),
    }
}

/// Where a backup goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Stdout,
    Files { archive: PathBuf, log: Option<PathBuf> },
}

impl Target {
    /// Writes archive and log, each whole or not at all.
    fn write(
        &self,
        taken: &Taken,
        passphrase: Option<&Secret>,
        kept: &Kept,
        wanted: &AtomicBool,
    ) -> Result<(), String> {
        let sealed = |plain: &[u8]| match passphrase {
            None => Ok(plain.to_vec()),
            Some(passphrase) => {
                let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
                openpgp::encrypt(plain, passphrase, &mut rng).map_err(|error| error.to_string())
            }
        };
        let archive_bytes = sealed(&taken.packed)?;
        let failed = |path: &Path, error: io::Error| format!("cannot write `{}`: {error}", path.display());
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                let done = stdout.write_all(&archive_bytes).and_then(|()| stdout.flush());
                done.map_err(|error| format!("cannot write the archive to standard output: {error}"))
            }
            Self::Files { archive, log } => {
                let fresh = [Some(archive), log.as_ref()].into_iter().flatten();
                let text = log_text(taken, &archive_bytes, kept);
                let contents = [archive_bytes, sealed(text.as_bytes())?];
                for (path, content) in fresh.clone().zip(&contents) {
                    part(path, content).map_err(|error| failed(path, error))?;
                }
                for path in fresh {
                    if !wanted.load(Ordering::SeqCst) {
                        return Err("the backup was broken off".to_owned());
                    }
                    fs::rename(part_of(path), path).map_err(|error| failed(path, error))?;
                }
                Ok(())
            }
        }
    }

    /// Removes what was written of files that did not get their names.
    fn forget(&self) {
        if let Self::Files { archive, log } = self {
            for path in [Some(archive), log.as_ref()].into_iter().flatten() {
                // It may not have come so far.
                let _ = fs::remove_file(part_of(path));
            }
        }
    }
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PART);
    name.into()
}

/// Writes a file under the name that it has while it is not whole.
fn part(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = part_of(path);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// What was said so far, for the log beside the archive.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<String>>);

impl Kept {
    fn add(&self, level: Level, text: &str) {
        let line = format!("{} {level} {text}", SystemClock.now());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// What was said, the digests of the archive as it is written, and those of the files in it (BKP-004).
fn log_text(taken: &Taken, written: &[u8], kept: &Kept) -> String {
    let mut text = kept.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
    let metadata = &taken.archive.metadata;
    text.push_str(&format!(
        "\nversion: {}\ncluster: {}\nmd5: {}\nsha256: {}\n",
        metadata.version,
        metadata.cluster_id,
        md5(written),
        sha256(written)
    ));
    for (name, facts) in &metadata.files {
        text.push_str(&format!("{}  ./{name} ({} bytes)\n", facts.sha256, facts.bytes));
    }
    text
}

/// Tells the person and keeps it.
struct Both<'b> {
    log: &'b Log,
    kept: &'b Kept,
}

impl Progress for Both<'_> {
    fn say(&self, level: Level, text: &str) {
        self.kept.add(level, text);
        self.log.say(level, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use mke_agent::backup::archive::{Archive, Metadata, SCHEMA};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn args(words: &[&str]) -> Result<Args, clap::Error> {
        Command::try_parse_from(std::iter::once(&"backup").chain(words)).map(|command| command.args)
    }

    fn chosen(words: &[&str]) -> Result<Option<Secret>, String> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(&mut out, &mut err, crate::output::Format::Text);
        passphrase(&args(words).unwrap(), &mut output).map_err(|error| error.to_string())
    }

    fn taken() -> Taken {
        let metadata = Metadata {
            schema: SCHEMA,
            version: "3.4.15".parse().unwrap(),
            swarm_only: true,
            cluster_id: "c".to_owned(),
            node: "n1".to_owned(),
            made_at: SystemClock.now(),
            revision: 1,
            files: Default::default(),
        };
        let archive = Archive::new(metadata, [("a".to_owned(), b"b".to_vec())].into());
        let packed = archive.pack().unwrap();
        Taken { archive, packed }
    }

    /// BKP-002: one of both must be chosen, and not both.
    #[test]
    fn the_passphrase_is_a_choice() {
        assert_eq!(
            chosen(&["--passphrase", "secret12chars"]),
            Ok(Some(Secret::new("secret12chars")))
        );
        assert_eq!(chosen(&["--no-passphrase"]), Ok(None));
        assert_eq!(chosen(&["--no-passphrase=true"]), Ok(None));
        for words in [&[][..], &["--no-passphrase=false"]] {
            let refused = chosen(words).unwrap_err();
            assert!(
                refused.contains("--passphrase") && refused.contains("--no-passphrase"),
                "{refused}"
            );
        }
        assert!(chosen(&["--passphrase", ""]).unwrap_err().contains("empty"));
        assert!(args(&["--passphrase", "x", "--no-passphrase"]).is_err());
    }

    /// BKP-004, BKP-013: a log is asked for with a file only; time is given with its units.
    #[test]
    fn flags() {
        assert!(args(&["--include-logs"]).is_err());
        assert!(args(&["--file", "x.tar"]).unwrap().include_logs);
        assert!(
            !args(&["--file", "x.tar", "--include-logs=false"])
                .unwrap()
                .include_logs
        );
        let timeout = |text: &str| args(&["--timeout", text]).map(|args| args.timeout.timeout.0.as_millis());
        assert_eq!(args(&[]).unwrap().timeout.timeout.0.as_secs(), 1800);
        for (text, millis) in [
            ("1h30m", 5_400_000),
            ("90s", 90_000),
            ("250ms", 250),
            ("1000000ns", 1),
        ] {
            assert_eq!(timeout(text).unwrap(), millis);
        }
        for text in ["", "0", "30", "-1s", "1d", "soon"] {
            assert!(timeout(text).is_err(), "{text}");
        }
    }

    /// BKP-003: in a container names are below the mounted directory, and a directory that nobody mounted is refused because the
    /// archive would go with the container.
    #[test]
    fn places_of_files() {
        let dir = tempfile::tempdir().unwrap();
        let here = |name: &str| dir.path().join(name);
        assert_eq!(
            place(&here("x.tar"), false, Path::new(MOUNTED)).unwrap(),
            here("x.tar")
        );
        assert_eq!(
            place(Path::new("x.tar"), false, Path::new(MOUNTED)).unwrap(),
            Path::new("x.tar")
        );
        let refused = |file: &Path, in_container, mounted: &Path| {
            place(file, in_container, mounted).unwrap_err().to_string()
        };
        assert!(refused(&here("no/x.tar"), false, dir.path()).contains("make it first"));
        assert!(refused(Path::new(".."), false, dir.path()).contains("no name"));
        assert!(refused(Path::new("x.tar"), true, &here("no")).contains("--volume"));
        // The root itself is of the container.
        assert!(refused(Path::new("/x.tar"), true, dir.path()).contains("goes with it"));
        // Another file system than the root's, as what is mounted is.
        assert_eq!(
            place(Path::new("x.tar"), true, Path::new("/proc")).unwrap(),
            Path::new("/proc/x.tar")
        );
    }

    /// BKP-002, BKP-004: archive and log are opened with the same passphrase, the log has the digests of the archive as it was
    /// written, nobody else may read them, and a backup that was broken off leaves nothing.
    #[test]
    fn files_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::Files {
            archive: dir.path().join("x.tar"),
            log: Some(dir.path().join("x.log")),
        };
        let names = || {
            let entries = fs::read_dir(dir.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let (taken, secret, kept) = (taken(), Secret::new("correct horse"), Kept::default());
        kept.add(Level::Info, "Step 1 of 6");
        let given_up = AtomicBool::new(false);
        assert!(target.write(&taken, Some(&secret), &kept, &given_up).is_err());
        assert_eq!(names(), ["x.log.part", "x.tar.part"]);
        target.forget();
        assert_eq!(names(), [""; 0]);
        target
            .write(&taken, Some(&secret), &kept, &AtomicBool::new(true))
            .unwrap();
        assert_eq!(names(), ["x.log", "x.tar"]);
        let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
        let archive = read("x.tar");
        assert_eq!(*openpgp::decrypt(&archive, &secret).unwrap(), taken.packed);
        let log = openpgp::decrypt(&read("x.log"), &secret).unwrap();
        let log = std::str::from_utf8(&log).unwrap();
        for told in ["Step 1 of 6", &md5(&archive), &sha256(&archive), "./a (1 bytes)"] {
            assert!(log.contains(told), "{log}");
        }
        let mode = fs::metadata(dir.path().join("x.tar")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
