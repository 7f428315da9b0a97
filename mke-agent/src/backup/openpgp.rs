//! Encryption with a passphrase in the form that `gpg --decrypt` reads (BKP-002): an OpenPGP message (RFC 4880) of a session
//! key made from the passphrase and data under AES-256 whose end proves that nothing was changed. Nothing else of OpenPGP is
//! here: no keys of people, no signatures.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use mke_core::secret::Secret;
use rand_core::CryptoRng;
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use zeroize::Zeroizing;

/// Bytes of a block of AES.
const BLOCK: usize = 16;
/// AES with keys of 256 bits (RFC 4880 section 9.2).
const AES_256: u8 = 9;
/// SHA-256 (section 9.4).
const SHA_256: u8 = 8;
/// The passphrase is hashed with a salt, again and again (section 3.7.1.3).
const ITERATED: u8 = 3;
/// How often: this code means 65,011,712 bytes, the most that there is and what gpg itself takes.
const COUNT: u8 = 255;
/// Bytes of the salt.
const SALT: usize = 8;

/// Packet: a session key from a passphrase.
const SESSION_KEY: u8 = 3;
/// Packet: plain data.
const LITERAL: u8 = 11;
/// Packet: compressed data.
const COMPRESSED: u8 = 8;
/// Packet: encrypted data with a check.
const PROTECTED: u8 = 18;
/// How the check at the end begins: packet 19 with a SHA-1 of 20 bytes.
const CHECK: [u8; 2] = [0xd3, 20];
/// Bytes of the check.
const CHECK_BYTES: usize = 2 + 20;

/// Why something was not encrypted or decrypted. It says nothing of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenPgpError {
    /// A passphrase without a character.
    #[error("the passphrase is empty")]
    NoPassphrase,
    /// More than the lengths of packets can say.
    #[error("the data are larger than 4 GiB")]
    TooLarge,
    /// The passphrase does not open it.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The passphrase opens it and the check at its end fails.
    #[error("the encrypted data were changed or cut off")]
    Changed,
    /// No message, or one that begins otherwise.
    #[error("it is no message that `ucp backup` encrypts: decrypt it with `gpg --decrypt` first")]
    Form,
}

/// Whether bytes begin as an OpenPGP message does. An archive that is not encrypted never does.
pub fn is_message(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x80 != 0)
}

/// Encrypts.
///
/// # Errors
/// [`OpenPgpError::NoPassphrase`] and [`OpenPgpError::TooLarge`].
pub fn encrypt(
    plain: &[u8],
    passphrase: &Secret,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, OpenPgpError> {
    if passphrase.is_empty() {
        return Err(OpenPgpError::NoPassphrase);
    }
    let mut salt = [0; SALT];
    rng.fill_bytes(&mut salt);
    let key = session_key(passphrase, salt, COUNT);
    let mut message = Vec::with_capacity(plain.len() + 128);
    message.extend(header(SESSION_KEY, 4 + SALT + 1)?);
    message.extend([4, AES_256, ITERATED, SHA_256]);
    message.extend(salt);
    message.push(COUNT);

    let mut prefix = [0; BLOCK];
    rng.fill_bytes(&mut prefix);
    // Data in bytes, without a name or a time.
    let literal = [b'b', 0, 0, 0, 0, 0];
    let literal_header = header(LITERAL, literal.len() + plain.len())?;
    let inside = BLOCK + 2 + literal_header.len() + literal.len() + plain.len() + CHECK_BYTES;
    message.extend(header(PROTECTED, 1 + inside)?);
    message.push(1);
    let begin = message.len();
    message.extend(prefix);
    message.extend_from_within(begin + BLOCK - 2..begin + BLOCK);
    message.extend(literal_header);
    message.extend(literal);
    message.extend_from_slice(plain);
    message.extend(CHECK);
    let check = digest::digest(
        &SHA1_FOR_LEGACY_USE_ONLY,
        message.get(begin..).unwrap_or_default(),
    );
    message.extend_from_slice(check.as_ref());
    cipher(&key, message.get_mut(begin..).unwrap_or_default(), Way::In);
    Ok(message)
}

/// Decrypts.
///
/// # Errors
/// [`OpenPgpError`].
pub fn decrypt(message: &[u8], passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, OpenPgpError> {
    let (tag, key_packet, rest) = packet(message).ok_or(OpenPgpError::Form)?;
    let &[4, AES_256, ITERATED, SHA_256, ref tail @ ..] = key_packet.as_slice() else {
        return Err(OpenPgpError::Form);
    };
    let (salt, count) = tail.split_first_chunk::<SALT>().ok_or(OpenPgpError::Form)?;
    let (SESSION_KEY, &[count]) = (tag, count) else {
        return Err(OpenPgpError::Form);
    };
    // Data that are cut off are told as changed: the first packet was what it should be.
    let (tag, data, _) = packet(rest).ok_or(OpenPgpError::Changed)?;
    let (PROTECTED, Some((1, encrypted))) = (tag, data.split_first()) else {
        return Err(OpenPgpError::Form);
    };
    let key = session_key(passphrase, *salt, count);
    let mut plain = Zeroizing::new(encrypted.to_vec());
    cipher(&key, &mut plain, Way::Out);
    let repeated = (plain.get(BLOCK - 2..BLOCK), plain.get(BLOCK..BLOCK + 2));
    match repeated {
        (Some(one), Some(other)) if one == other => {}
        (Some(_), Some(_)) => return Err(OpenPgpError::WrongPassphrase),
        _ => return Err(OpenPgpError::Changed),
    }
    let end = plain.len().checked_sub(20).ok_or(OpenPgpError::Changed)?;
    let (body, check) = plain.split_at(end);
    let found = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, body);
    if found.as_ref() != check || !body.ends_with(&CHECK) {
        return Err(OpenPgpError::Changed);
    }
    let inside = body
        .get(BLOCK + 2..body.len() - CHECK.len())
        .ok_or(OpenPgpError::Changed)?;
    let (tag, literal, _) = packet(inside).ok_or(OpenPgpError::Changed)?;
    let literal = Zeroizing::new(literal);
    if tag == COMPRESSED {
        return Err(OpenPgpError::Form);
    }
    // Kind, length of the name, name, four bytes of time.
    let name = literal.get(1).copied().map_or(0, usize::from);
    match (tag, literal.get(2 + name + 4..)) {
        (LITERAL, Some(data)) => Ok(Zeroizing::new(data.to_vec())),
        _ => Err(OpenPgpError::Form),
    }
}

/// The key from a passphrase: a hash over salt and passphrase, repeated to a number of bytes.
fn session_key(passphrase: &Secret, salt: [u8; SALT], count: u8) -> Zeroizing<[u8; 32]> {
    let once = Zeroizing::new([&salt[..], passphrase.expose().as_bytes()].concat());
    let bytes = (16 + usize::from(count & 15)) << ((count >> 4) + 6);
    let bytes = bytes.max(once.len());
    // Many at a time: the hash works on long pieces faster.
    let piece = Zeroizing::new(once.repeat(1 + 4096 / once.len()));
    let mut hash = digest::Context::new(&SHA256);
    let mut left = bytes;
    while left > 0 {
        let taken = left.min(piece.len());
        hash.update(piece.get(..taken).unwrap_or_default());
        left -= taken;
    }
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(hash.finish().as_ref());
    key
}

/// Which way data go.
#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

/// AES in cipher feedback mode from a block of zeros on (section 13.9, without the step of resynchronization).
fn cipher(key: &[u8; 32], data: &mut [u8], way: Way) {
    let cipher = Aes256::new(&Array::from(*key));
    let mut feedback = Array::from([0; BLOCK]);
    for piece in data.chunks_mut(BLOCK) {
        cipher.encrypt_block(&mut feedback);
        for (byte, mask) in piece.iter_mut().zip(feedback.iter_mut()) {
            let before = *byte;
            *byte ^= *mask;
            *mask = match way {
                Way::In => *byte,
                Way::Out => before,
            };
        }
    }
}

/// The head of a packet of the new form, with a length of four bytes where one is not enough.
fn header(tag: u8, length: usize) -> Result<Vec<u8>, OpenPgpError> {
    let mut head = vec![0xc0 | tag];
    match u8::try_from(length) {
        Ok(short) if short < 192 => head.push(short),
        _ => {
            head.push(255);
            let long = u32::try_from(length).map_err(|_| OpenPgpError::TooLarge)?;
            head.extend(long.to_be_bytes());
        }
    }
    Ok(head)
}

/// The first packet: its tag, what it holds and what comes behind it; both forms, and data in parts.
fn packet(bytes: &[u8]) -> Option<(u8, Vec<u8>, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_usize, |all, byte| (all << 8) | usize::from(*byte))
    };
    if first & 0x40 == 0 {
        let (tag, kind) = ((first >> 2) & 15, first & 3);
        let (length, body) = match kind {
            3 => (rest.len(), rest),
            kind => {
                let (length, body) = rest.split_at_checked(1 << kind)?;
                (number(length), body)
            }
        };
        let (content, behind) = body.split_at_checked(length)?;
        return Some((tag, content.to_vec(), behind));
    }
    let mut content = Vec::new();
    loop {
        let (&length, body) = rest.split_first()?;
        let (length, body, last) = match length {
            short @ 0..192 => (usize::from(short), body, true),
            long @ 192..224 => {
                let (&next, body) = body.split_first()?;
                (
                    ((usize::from(long) - 192) << 8) + usize::from(next) + 192,
                    body,
                    true,
                )
            }
            255 => {
                let (length, body) = body.split_at_checked(4)?;
                (number(length), body, true)
            }
            part => (1 << (part & 31), body, false),
        };
        let (piece, behind) = body.split_at_checked(length)?;
        content.extend_from_slice(piece);
        rest = behind;
        if last {
            return Some((first & 63, content, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn rng() -> impl CryptoRng {
        rand_core::UnwrapErr(getrandom::SysRng)
    }

    /// What gpg makes of bytes, with a passphrase and a home of its own.
    fn gpg(words: &[&str], passphrase: &str, input: &[u8]) -> (Vec<u8>, bool) {
        let home = tempfile::tempdir().unwrap();
        let word = home.path().join("passphrase");
        std::fs::write(&word, passphrase).unwrap();
        let mut child = Command::new("gpg")
            .env("GNUPGHOME", home.path())
            .args([
                "--batch",
                "--quiet",
                "--no-tty",
                "--pinentry-mode",
                "loopback",
                "--passphrase-file",
            ])
            .arg(&word)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`gpg` ({error}): install package gnupg"));
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // It may end before it has read all.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let _ = Command::new("gpgconf")
            .env("GNUPGHOME", home.path())
            .args(["--kill", "gpg-agent"])
            .output();
        (output.stdout, output.status.success())
    }

    /// BKP-002: gpg opens what is encrypted here with the same passphrase and with no other, of every length around a block and
    /// around the forms of lengths; what gpg encrypts is opened here.
    #[test]
    fn gpg_reads_it_and_is_read() {
        for length in [0, 1, 15, 16, 17, 185, 186, 8384, 100_000] {
            let plain: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let secret = Secret::new("secret12chars ü");
            let message = encrypt(&plain, &secret, &mut rng()).unwrap();
            assert!(is_message(&message));
            assert_eq!(*decrypt(&message, &secret).unwrap(), plain);
            let (read, well) = gpg(&["--decrypt"], "secret12chars ü", &message);
            assert!(well && read == plain, "{length}");
        }
        let message = encrypt(b"plain", &Secret::new("one"), &mut rng()).unwrap();
        assert!(!gpg(&["--decrypt"], "other", &message).1);
        let words = [
            "--symmetric",
            "--cipher-algo",
            "AES256",
            "--s2k-digest-algo",
            "SHA256",
            "--compress-algo",
            "none",
        ];
        let plain = vec![7; 50_000];
        let (message, well) = gpg(&words, "one", &plain);
        assert!(well);
        assert_eq!(*decrypt(&message, &Secret::new("one")).unwrap(), plain);
        let (compressed, _) = gpg(&words[..5], "one", &plain);
        assert_eq!(decrypt(&compressed, &Secret::new("one")), Err(OpenPgpError::Form));
    }

    /// BKP-002, RST-004: another passphrase is told from data that were changed, each byte counts, and nothing is opened half.
    #[test]
    fn what_does_not_open() {
        let secret = Secret::new("correct horse");
        assert_eq!(
            encrypt(b"", &Secret::new(""), &mut rng()),
            Err(OpenPgpError::NoPassphrase)
        );
        let message = encrypt(b"what nobody else may read", &secret, &mut rng()).unwrap();
        assert_eq!(
            decrypt(&message, &Secret::new("battery staple")),
            Err(OpenPgpError::WrongPassphrase)
        );
        // Every part of the message; a key takes its time.
        for at in (0..message.len()).step_by(3) {
            let mut changed = message.clone();
            changed[at] ^= 0x10;
            assert!(decrypt(&changed, &secret).is_err(), "{at}");
        }
        for end in (0..message.len()).step_by(7) {
            assert!(decrypt(&message[..end], &secret).is_err(), "{end}");
        }
        assert_eq!(
            decrypt(&message[..message.len() - 1], &secret),
            Err(OpenPgpError::Changed)
        );
        assert_eq!(decrypt(b"./metadata.json", &secret), Err(OpenPgpError::Form));
    }
}
