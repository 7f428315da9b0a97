//! When, for whom and at which address an assertion is valid (saml-31, saml-32).
//!
//! Clocks may differ by [`SKEW`]. The moment is an argument.

use std::time::Duration;

use mke_core::time::Timestamp;
use roxmltree::Node;

use super::Refusal;
use super::names::{ASSERTION, BEARER};
use super::sp::ServiceProvider;
use super::xml::{attribute, elements, is, text};

/// How far the provider's clock may be from ours.
pub const SKEW: Duration = Duration::from_secs(60);

/// How far in the future an assertion may end. Ids are remembered until then, so this bounds what is remembered.
pub const MAX_VALIDITY: Duration = Duration::from_secs(24 * 60 * 60);

/// Now, and what that means for the times in a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
}

impl Moment {
    /// A moment that must have come: `NotBefore`, `IssueInstant`.
    pub(super) fn not_after(self, text: &str) -> Result<Timestamp, Refusal> {
        let instant = instant(text)?;
        if instant > self.now.plus(SKEW) {
            return Err(Refusal::Early(text.to_owned()));
        }
        Ok(instant)
    }

    /// A moment that must not have come: `NotOnOrAfter`.
    pub(super) fn before(self, text: &str) -> Result<Timestamp, Refusal> {
        let instant = instant(text)?;
        if instant.plus(SKEW) <= self.now {
            return Err(Refusal::Late(text.to_owned()));
        }
        Ok(instant)
    }
}

/// A time in the form that SAML prescribes: UTC with `Z` (SAML core, section 1.3.3).
pub(super) fn instant(text: &str) -> Result<Timestamp, Refusal> {
    let wrong = || Refusal::structure(format!("`{text}` is no time in UTC"));
    let form = text.len() <= 40 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    if form {
        text.parse().map_err(|_| wrong())
    } else {
        Err(wrong())
    }
}

/// Checks the conditions of an assertion. Unknown ones are refused.
pub(super) fn check(conditions: Node<'_, '_>, me: &ServiceProvider, moment: Moment) -> Result<(), Refusal> {
    if let Some(begin) = conditions.attribute("NotBefore") {
        moment.not_after(begin)?;
    }
    if let Some(end) = conditions.attribute("NotOnOrAfter") {
        moment.before(end)?;
    }
    let mut restricted = false;
    for condition in elements(conditions)? {
        if is(condition, ASSERTION, "AudienceRestriction") {
            restricted = true;
            check_audience(condition, me)?;
        } else if !is(condition, ASSERTION, "OneTimeUse") && !is(condition, ASSERTION, "ProxyRestriction") {
            return Err(Refusal::structure(format!(
                "condition `{}` is not known",
                condition.tag_name().name()
            )));
        }
    }
    if restricted {
        Ok(())
    } else {
        Err(Refusal::structure("the assertion names no audience"))
    }
}

fn check_audience(restriction: Node<'_, '_>, me: &ServiceProvider) -> Result<(), Refusal> {
    let mut last = "";
    for audience in elements(restriction)? {
        if !is(audience, ASSERTION, "Audience") {
            return Err(Refusal::structure("an audience restriction must hold audiences"));
        }
        last = text(audience)?;
        if last == me.entity_id() {
            return Ok(());
        }
    }
    Err(Refusal::Audience {
        found: last.to_owned(),
    })
}

/// What a confirmation says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bearer<'a> {
    pub(super) in_response_to: Option<&'a str>,
    pub(super) usable_until: Timestamp,
}

/// Finds a confirmation that lets the bearer be the subject (SAML profiles, section 4.1.4.2). One that fits is enough.
pub(super) fn confirm<'a>(
    confirmations: &[Node<'a, '_>],
    me: &ServiceProvider,
    moment: Moment,
) -> Result<Bearer<'a>, Refusal> {
    let mut refused = Refusal::structure("no confirmation of the subject is that of a bearer");
    let mut first: Option<Bearer<'a>> = None;
    for confirmation in confirmations {
        if attribute(*confirmation, "Method")? != BEARER {
            continue;
        }
        match bearer(*confirmation, me, moment) {
            // The assertion must be remembered until none of them would let it in any more (saml-33).
            Ok(bearer) => {
                let found = first.get_or_insert(bearer);
                found.usable_until = found.usable_until.max(bearer.usable_until);
            }
            Err(refusal) => refused = refusal,
        }
    }
    first.ok_or(refused)
}

fn bearer<'a>(
    confirmation: Node<'a, '_>,
    me: &ServiceProvider,
    moment: Moment,
) -> Result<Bearer<'a>, Refusal> {
    let [data] = elements(confirmation)?
        .try_into()
        .map_err(|_| Refusal::structure("a confirmation must hold its data and nothing else"))?;
    if !is(data, ASSERTION, "SubjectConfirmationData") || !elements(data)?.is_empty() {
        return Err(Refusal::structure("a confirmation must hold plain data"));
    }
    if data.attribute("NotBefore").is_some() {
        return Err(Refusal::structure(
            "the confirmation of a bearer must not have `NotBefore`",
        ));
    }
    let end = attribute(data, "NotOnOrAfter")?;
    let until = moment.before(end)?;
    if until > moment.now.plus(MAX_VALIDITY) {
        return Err(Refusal::structure(format!(
            "it would be valid too long, until {end}"
        )));
    }
    let recipient = attribute(data, "Recipient")?;
    if recipient != me.acs() {
        return Err(Refusal::Destination {
            found: recipient.to_owned(),
        });
    }
    Ok(Bearer {
        in_response_to: data.attribute("InResponseTo"),
        usable_until: until.plus(SKEW),
    })
}
