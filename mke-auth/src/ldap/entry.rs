//! What is read of an entry: the name of the account, the full name, the unique id, and whether the directory has
//! switched the person off. Nothing else is asked for (LDAP-006).

use mke_core::names::AccountName;
use mke_core::time::Timestamp;

use super::dn::Dn;
use super::name::{account_name, full_name};
use super::settings::UserSearch;
use super::wire::ber::BerError;
use super::wire::{Entry, Values};
use crate::records::MAX_ORIGIN_ID_BYTES;

/// The unique ids of directories in the order in which they count. The flag says whether it is binary.
const UNIQUE_IDS: [(&str, bool); 6] = [
    ("objectGUID", true),
    ("entryUUID", false),
    ("ibm-entryUUID", false),
    ("nsUniqueId", false),
    ("GUID", true),
    ("ipaUniqueID", false),
];

/// What says that somebody is switched off or has expired.
const SWITCHES: [&str; 7] = [
    "userAccountControl",
    "accountExpires",
    "nsAccountLock",
    "pwdAccountLockedTime",
    "loginDisabled",
    "shadowExpire",
    "krbPrincipalExpiration",
];

/// What is read of a user's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserEntry {
    /// The name of its account, or why it is no user.
    pub(super) name: Result<AccountName, String>,
    /// The name for people; empty when none is wanted.
    pub(super) full_name: String,
    /// What identifies the entry for as long as it exists.
    pub(super) id: String,
    /// Whether the directory lets this person in.
    pub(super) enabled: bool,
}

/// The attributes that are asked for.
pub(super) fn attributes(search: &UserSearch) -> Vec<&str> {
    let mut attributes = vec![search.username_attribute.as_str()];
    attributes.extend(search.full_name_attribute.as_deref());
    attributes.extend(UNIQUE_IDS.iter().map(|(name, _)| *name));
    attributes.extend(SWITCHES);
    attributes
}

/// Reads a user's entry. `now` decides what has expired.
pub(super) fn read(
    entry: &mut Entry<'_>,
    search: &UserSearch,
    now: Timestamp,
) -> Result<UserEntry, BerError> {
    let mut names: Vec<AccountName> = Vec::new();
    let mut refused = None;
    let mut shown = String::new();
    let mut id: Option<(usize, String)> = None;
    let mut enabled = true;
    while let Some((attribute, values)) = entry.next()? {
        // Options such as `;lang-de` do not make it another attribute.
        let attribute = attribute.split(';').next().unwrap_or_default();
        let is = |name: &str| attribute.eq_ignore_ascii_case(name);
        // One attribute may be wanted for more than one thing.
        if is(&search.username_attribute) {
            let mut values = values;
            while let Some(value) = values.next()? {
                match std::str::from_utf8(value).map(account_name) {
                    Ok(Ok(name)) => names.push(name),
                    Ok(Err(error)) => refused = Some(error.to_string()),
                    Err(_) => refused = Some("it is not UTF-8".to_owned()),
                }
            }
        }
        if search.full_name_attribute.as_deref().is_some_and(is) {
            shown = smallest_text(values)?;
        }
        let mut first = values;
        if let Some(rank) = UNIQUE_IDS.iter().position(|(name, _)| is(name))
            && let Some(value) = first.next()?
            && id.as_ref().is_none_or(|(best, _)| rank < *best)
        {
            id = unique_id(rank, value).map(|text| (rank, text)).or(id);
        } else if SWITCHES.iter().any(|name| is(name))
            && let Some(value) = first.next()?
        {
            enabled &= allows(attribute, &String::from_utf8_lossy(value), now);
        }
    }
    // Values of an attribute have no order, so the choice must not depend on it.
    let name = names
        .into_iter()
        .min()
        .ok_or_else(|| refused.unwrap_or_else(|| format!("it has no `{}`", search.username_attribute)));
    let id = match id {
        Some((_, id)) => id,
        None => Dn::parse(entry.dn).map_or_else(|_| String::new(), |dn| format!("dn:{dn}")),
    };
    let name = if id.is_empty() || id.len() > MAX_ORIGIN_ID_BYTES {
        Err("it has no unique id, and its DN cannot stand for one".to_owned())
    } else {
        name
    };
    Ok(UserEntry {
        name,
        full_name: shown,
        id,
        enabled,
    })
}

fn smallest_text(mut values: Values<'_>) -> Result<String, BerError> {
    let mut smallest: Option<&str> = None;
    while let Some(value) = values.next()? {
        if let Ok(text) = std::str::from_utf8(value)
            && smallest.is_none_or(|before| text < before)
        {
            smallest = Some(text);
        }
    }
    Ok(full_name(smallest.unwrap_or_default()))
}

/// The id with the name of its attribute, so that values of different ones are never the same.
fn unique_id(rank: usize, value: &[u8]) -> Option<String> {
    let (attribute, binary) = UNIQUE_IDS.get(rank)?;
    let attribute = attribute.to_ascii_lowercase();
    if *binary {
        // Anything else under this name is no GUID.
        return (value.len() == 16).then(|| format!("{attribute}:{}", hex::encode(value)));
    }
    let text = std::str::from_utf8(value).ok()?.trim();
    (!text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_graphic()))
        .then(|| format!("{attribute}:{}", text.to_ascii_lowercase()))
}

/// Whether a switch of a directory lets the person in. What cannot be read switches nobody off: these attributes
/// belong to others, and the server still decides about each login.
fn allows(attribute: &str, value: &str, now: Timestamp) -> bool {
    let number = value.trim().parse::<i64>().ok();
    let seconds = now.as_secs();
    match attribute.to_ascii_lowercase().as_str() {
        // ACCOUNTDISABLE of Active Directory.
        "useraccountcontrol" => number.is_none_or(|flags| flags & 2 == 0),
        // Tenths of microseconds since 1601; 0 and the largest number are never.
        "accountexpires" => {
            number.is_none_or(|at| at == 0 || at == i64::MAX || at / 10_000_000 - 11_644_473_600 > seconds)
        }
        "nsaccountlock" | "logindisabled" => !value.trim().eq_ignore_ascii_case("true"),
        // Locked by an administrator; any other time is a lock after wrong passwords, which passes.
        "pwdaccountlockedtime" => value.trim() != "000001010000Z",
        // Days since 1970.
        "shadowexpire" => number.is_none_or(|days| days <= 0 || days.saturating_mul(86_400) > seconds),
        "krbprincipalexpiration" => generalized_time(value.trim()).is_none_or(|at| at > seconds),
        _ => true,
    }
}

/// Reads `YYYYMMDDhhmmssZ` as seconds since 1970.
fn generalized_time(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let of_day = part(8, 10)? * 3600 + part(10, 12)? * 60 + part(12, 14)?;
    // Days since 1970 of the civil calendar, with years that begin in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
        - 1
        - 719_468;
    Some(days * 86_400 + of_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ldap-19: what each kind of directory says of people who may not come in any more.
    #[test]
    fn sec_ldap_19_switches() {
        let now = Timestamp::from_secs(1_800_000_000);
        for (attribute, value, allowed) in [
            ("userAccountControl", "512", true),
            ("userAccountControl", "514", false),
            ("USERACCOUNTCONTROL", "66050", false),
            ("accountExpires", "0", true),
            ("accountExpires", "9223372036854775807", true),
            ("accountExpires", "132000000000000000", false),
            ("accountExpires", "140000000000000000", true),
            ("nsAccountLock", "TRUE", false),
            ("nsAccountLock", "false", true),
            ("loginDisabled", "TRUE", false),
            ("pwdAccountLockedTime", "000001010000Z", false),
            ("pwdAccountLockedTime", "20260101000000Z", true),
            ("shadowExpire", "-1", true),
            ("shadowExpire", "10000", false),
            ("shadowExpire", "30000", true),
            ("krbPrincipalExpiration", "20200101000000Z", false),
            ("krbPrincipalExpiration", "20380101000000Z", true),
            ("userAccountControl", "nonsense", true),
        ] {
            assert_eq!(allows(attribute, value, now), allowed, "{attribute}: {value}");
        }
    }

    #[test]
    fn times_of_the_calendar() {
        assert_eq!(generalized_time("19700101000000Z"), Some(0));
        assert_eq!(generalized_time("20260228235959Z"), Some(1_772_323_199));
        assert_eq!(generalized_time("20240229000000Z"), Some(1_709_164_800));
        assert_eq!(generalized_time("2024"), None);
    }
}
