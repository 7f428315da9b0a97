//! The token: made, shown once, checked, replaced and removed.

use std::net::IpAddr;
use std::time::Duration;

use mke_auth::scim::{ScimTokens, TokenError};
use mke_core::secret::Secret;

use crate::support::{World, rng};

fn source(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

/// SCIM-001, scim-01, scim-02: a token is made once, kept as a hash, ended by the next; everything else is wrong.
#[tokio::test]
async fn sec_scim_01_only_the_token() {
    let world = World::new().await;
    let tokens = ScimTokens::new(world.store.clone(), world.clock.clone());
    let directory = world.directory().await;
    assert!(matches!(
        tokens.check(&directory, Some("0123456789abcdef"), source(1)),
        Err(TokenError::Wrong)
    ));
    let (token, record, _) = tokens.set(None, &mut rng()).await.unwrap();
    let text = token.expose().to_owned();
    assert_eq!(text.len(), 36, "generated tokens are UUIDs");
    let stored = world.keys_below("/mke/scim-token").await;
    assert_eq!(stored.len(), 1);
    let directory = world.directory().await;
    let kept = serde_json::to_string(&**directory.scim_token().unwrap()).unwrap();
    assert!(!kept.contains(&text) && kept.contains(&record.id));
    assert_eq!(
        tokens.check(&directory, Some(&text), source(1)).unwrap().id,
        record.id
    );
    let session = world.login("admin").await;
    let upper = text.to_uppercase();
    for wrong in [
        "",
        " ",
        &text[1..],
        &format!("{text} "),
        &format!(" {text}"),
        &format!("{text}x"),
        upper.as_str(),
        &record.id,
        session.token.text().expose(),
        &"x".repeat(100_000),
    ] {
        // A source of its own each: guessing is slowed down.
        let from = source(u8::try_from(10 + wrong.len() % 200).unwrap());
        assert!(
            matches!(
                tokens.check(&directory, Some(wrong), from),
                Err(TokenError::Wrong)
            ),
            "{wrong:.50}"
        );
    }
    assert!(matches!(
        tokens.check(&directory, None, source(1)),
        Err(TokenError::Wrong)
    ));
    let own = Secret::new("an-own-token.of_20+");
    let (same, _, _) = tokens.set(Some(own), &mut rng()).await.unwrap();
    let directory = world.directory().await;
    assert!(tokens.check(&directory, Some(same.expose()), source(1)).is_ok());
    assert!(tokens.check(&directory, Some(&text), source(1)).is_err());
    for unusable in [
        "short",
        "fifteen-letters",
        "with a space in it",
        "line\nbreak-line-break",
        "ümlaute-sind-keine",
    ] {
        let set = tokens.set(Some(Secret::new(unusable)), &mut rng()).await;
        assert!(matches!(set, Err(TokenError::Unusable)), "{unusable}");
    }
    tokens.remove().await.unwrap();
    let directory = world.directory().await;
    assert!(tokens.check(&directory, Some(same.expose()), source(1)).is_err());
}

/// scim-01: guessing is slow for the one who guesses, and for nobody else.
#[tokio::test]
async fn sec_scim_01_guessing_is_slow() {
    let world = World::new().await;
    let tokens = ScimTokens::new(world.store.clone(), world.clock.clone());
    let (token, _, _) = tokens.set(None, &mut rng()).await.unwrap();
    let directory = world.directory().await;
    let guess = |from| tokens.check(&directory, Some("0123456789abcdef"), from);
    for _ in 0..11 {
        assert!(matches!(guess(source(1)), Err(TokenError::Wrong)));
    }
    // Not even the right one is looked at now.
    assert!(matches!(
        tokens.check(&directory, Some(token.expose()), source(1)),
        Err(TokenError::TooManyAttempts { .. })
    ));
    assert!(tokens.check(&directory, Some(token.expose()), source(2)).is_ok());
    world.clock.advance(Duration::from_secs(60));
    assert!(tokens.check(&directory, Some(token.expose()), source(1)).is_ok());
}
