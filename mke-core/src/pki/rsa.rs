//! Which RSA public keys are too weak to stand for a person (pki-12).

use x509_cert::der::asn1::UintRef;
use x509_cert::der::{Decode, Reader, SliceReader};

use super::error::KeyFault;

/// NIST SP 800-131A revision 2 section 3 disallows less; `ring` verifies no less either.
const MIN_BITS: usize = 2048;

/// `ring` verifies no more, and a longer modulus only makes each handshake slower.
const MAX_BITS: usize = 8192;

/// Exponents below are allowed by old standards and have a history of padding attacks (FIPS 186-5 appendix A.1).
const MIN_EXPONENT: u64 = 65_537;

/// `ring` refuses larger ones.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// The odd primes whose residues give the ROCA weakness away (Nemec et al., CCS 2017, section 3.2).
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Checks an `RSAPublicKey` (RFC 8017 appendix A.1.1) in DER.
pub(super) fn check(der: &[u8]) -> Result<(), KeyFault> {
    let (modulus, exponent) = decode(der).map_err(|_| KeyFault::Der)?;
    check_numbers(modulus, exponent)
}

fn decode(der: &[u8]) -> x509_cert::der::Result<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let pair = reader.sequence(|fields| {
        let modulus = UintRef::decode(fields)?.as_bytes();
        let exponent = UintRef::decode(fields)?.as_bytes();
        x509_cert::der::Result::Ok((modulus, exponent))
    })?;
    reader.finish()?;
    Ok(pair)
}

/// Both numbers are big-endian without leading zeros.
fn check_numbers(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyFault> {
    let bits = modulus
        .first()
        .map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if bits < MIN_BITS {
        return Err(KeyFault::TooShort {
            found: bits,
            min: MIN_BITS,
        });
    }
    if bits > MAX_BITS {
        return Err(KeyFault::TooLong {
            found: bits,
            max: MAX_BITS,
        });
    }
    if exponent.len() > size_of::<u64>() {
        return Err(KeyFault::Exponent);
    }
    let exponent = exponent
        .iter()
        .fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
    if !(MIN_EXPONENT..=MAX_EXPONENT).contains(&exponent) || exponent % 2 == 0 {
        return Err(KeyFault::Exponent);
    }
    let even = modulus.last().is_some_and(|last| last % 2 == 0);
    if even || PRIMES.iter().any(|prime| remainder(modulus, *prime) == 0) {
        return Err(KeyFault::SmallFactor);
    }
    // A weak generator makes both factors, hence their product, a power of 65537 modulo each of these primes. An
    // honest modulus is one for all 38 of them with a chance below 2^-27.
    if PRIMES
        .iter()
        .all(|prime| is_power_of_65537(remainder(modulus, *prime), *prime))
    {
        return Err(KeyFault::Roca);
    }
    Ok(())
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

/// Whether `residue` lies in the subgroup that 65537 generates modulo `prime`.
fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let generator = 65_537 % prime;
    let mut power = 1;
    for _ in 1..prime {
        if power == residue {
            return true;
        }
        power = power * generator % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 256^`shift_bytes` times the product of all [`PRIMES`], plus `add`.
    fn multiple(shift_bytes: usize, add: u8) -> Vec<u8> {
        let mut little = vec![1u8];
        for prime in PRIMES {
            let mut carry = 0u32;
            for byte in &mut little {
                let value = u32::from(*byte) * prime + carry;
                *byte = (value & 0xff) as u8;
                carry = value >> 8;
            }
            while carry > 0 {
                little.push((carry & 0xff) as u8);
                carry >>= 8;
            }
        }
        little.splice(0..0, vec![0; shift_bytes]);
        little[0] |= add;
        little.reverse();
        little
    }

    /// pki-12: a modulus with the residues of the weak generator, and one that is a multiple of a small prime.
    #[test]
    fn sec_pki_12_weak_moduli_are_recognised() {
        let exponent = [1, 0, 1];
        // 1 is 65537^0, hence in every subgroup.
        assert_eq!(check_numbers(&multiple(240, 1), &exponent), Err(KeyFault::Roca));
        assert_eq!(
            check_numbers(&multiple(240, 3), &exponent),
            Err(KeyFault::SmallFactor)
        );
        assert_eq!(
            check_numbers(&multiple(240, 0), &exponent),
            Err(KeyFault::SmallFactor)
        );
    }

    /// pki-12: exponents at their bounds, on a modulus that is otherwise fine.
    #[test]
    fn sec_pki_12_exponents_at_their_bounds() {
        // 173 is the next prime after the list, so no residue is 0; and it is not a power of 65537 for all of them.
        let modulus = multiple(240, 173);
        for (exponent, allowed) in [
            (&[3][..], false),
            (&[0xff, 0xff], false),
            (&[1, 0, 0], false),
            (&[1, 0, 1], true),
            (&[1, 0, 2], false),
            (&[1, 0xff, 0xff, 0xff, 0xff], true),
            (&[2, 0, 0, 0, 1], false),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 1], false),
            (&[0], false),
        ] {
            let expected = if allowed { Ok(()) } else { Err(KeyFault::Exponent) };
            assert_eq!(check_numbers(&modulus, exponent), expected, "{exponent:x?}");
        }
    }

    /// A limit on work and on bits: empty, truncated and trailing input.
    #[test]
    fn malformed_keys_are_refused() {
        for der in [
            &[][..],
            &[0x30],
            &[0x30, 0],
            &[0x30, 3, 2, 1, 5],
            &[0x30, 6, 2, 1, 5, 2, 1, 3, 0],
        ] {
            assert_eq!(check(der), Err(KeyFault::Der), "{der:x?}");
        }
        assert!(matches!(
            check(&[0x30, 6, 2, 1, 5, 2, 1, 3]),
            Err(KeyFault::TooShort { found: 3, .. })
        ));
    }
}
