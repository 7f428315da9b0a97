//! Servers that send what is no LDAP, or too little of it.

use mke_auth::ldap::{Denial, LoginFailure, Settings, SyncError, login};
use mke_core::secret::Secret;
use mke_core::time::Clock as _;

use crate::fake::{Fake, entry, message, outcome, tlv};
use crate::lab::read;
use crate::support::World;

/// What may come back instead of an answer to a search.
fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    // 100,000 sequences, one inside the other.
    let nested = (0..100_000).fold(Vec::new(), |inside: Vec<u8>, _| {
        let mut outside = vec![0x30, 0x84];
        outside.extend(u32::try_from(inside.len()).unwrap().to_be_bytes().iter().rev());
        outside
    });
    let mut deep = Vec::new();
    for level in 0..100_000u32 {
        let left = (100_000 - level - 1) * 6;
        deep.extend([0x30, 0x84]);
        deep.extend(left.to_be_bytes());
    }
    let done = outcome(0x65, 0, b"");
    vec![
        ("nothing", Vec::new()),
        ("text", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("an indefinite length", vec![0x30, 0x80, 2, 1, 1, 0, 0]),
        ("a negative length", vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        ("a length of 2^31", vec![0x30, 0x84, 0x80, 0, 0, 0]),
        ("a length of 2^31 - 1", vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]),
        ("a length in nine octets", [vec![0x30, 0x89], vec![0; 9]].concat()),
        ("a length beyond what comes", vec![0x30, 0x20, 2, 1, 1]),
        ("a value beyond its message", vec![0x30, 5, 2, 1, 1, 0x65, 0x7f]),
        ("deep nesting", message(1, &deep)),
        ("deep nesting without sense", nested),
        ("nesting as an entry", message(1, &tlv(0x64, &deep))),
        ("an empty message", vec![0x30, 0]),
        ("no operation", message(1, b"")),
        ("an empty operation", message(1, &[0x65, 0])),
        (
            "something after the operation",
            message(1, &[done.as_slice(), &[4, 0]].concat()),
        ),
        (
            "something after the result",
            message(1, &outcome(0x65, 0, &[5, 0])),
        ),
        (
            "a message number of nine octets",
            tlv(0x30, &[&[2, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &done].concat()),
        ),
        (
            "a negative message number",
            tlv(0x30, &[&[2, 1, 0xff][..], &done].concat()),
        ),
        ("another message number", message(9, &done)),
        ("another operation", message(1, &outcome(0x61, 0, b""))),
        (
            "an entry without attributes",
            message(1, &tlv(0x64, &tlv(4, b"dc=x"))),
        ),
        (
            "an entry whose DN is no text",
            message(1, &tlv(0x64, &[tlv(4, &[0xff, 0xfe]), tlv(0x30, b"")].concat())),
        ),
        (
            "an attribute that is a number",
            message(1, &tlv(0x64, &[tlv(4, b"dc=x"), tlv(0x30, &[2, 1, 1])].concat())),
        ),
        ("values that are sequences", {
            let values = tlv(0x31, &tlv(0x30, b""));
            let attribute = tlv(0x30, &[tlv(4, b"uid"), values].concat());
            message(1, &tlv(0x64, &[tlv(4, b"dc=x"), tlv(0x30, &attribute)].concat()))
        }),
        (
            "an entry and no end",
            message(1, &entry("uid=a,dc=x", &[("uid", "a"), ("entryUUID", "1")])),
        ),
        ("a goodbye", message(0, &outcome(0x78, 52, b""))),
        (
            "a result of 2^31",
            message(1, &tlv(0x65, &[0x0a, 5, 0, 0x80, 0, 0, 0, 4, 0, 4, 0])),
        ),
        (
            "referrals that are numbers",
            message(1, &outcome(0x65, 10, &tlv(0xa3, &[2, 1, 1]))),
        ),
    ]
}

/// ldap-16, ldap-08, G-02, G-03: whatever a server sends, a login is no login, a synchronisation changes nothing, and the
/// process goes on.
#[tokio::test]
async fn sec_ldap_16_garbage_is_refused() {
    let world = World::new().await;
    for (what, bytes) in garbage() {
        let fake = Fake::start(vec![bytes]);
        let settings = Settings::read(&fake.config()).unwrap();
        let refused = login(&settings, "a", &Secret::new("pw"), world.clock.now()).await;
        assert!(
            matches!(refused, Err(LoginFailure::Unavailable(_))),
            "{what}: {refused:?}"
        );
        let before = world.revision().await;
        let failed = world.sync(&settings).await;
        assert!(matches!(failed, Err(SyncError::Fetch(_))), "{what}: {failed:?}");
        assert_eq!(world.revision().await, before, "{what}");
    }
}

/// A server that finds `uid=a,dc=x` and then answers a bind, and the question whom it took us for, like this.
fn lying(bind: Vec<u8>, who: Vec<u8>, reread: Vec<u8>) -> Fake {
    let found = [
        message(1, &entry("uid=a,dc=x", &[("uid", "a"), ("entryUUID", "1")])),
        message(1, &outcome(0x65, 0, b"")),
    ]
    .concat();
    Fake::start_each(vec![vec![found], vec![bind, who, reread]])
}

/// ldap-03: a bind that succeeds is not enough: it must have been us.
#[tokio::test]
async fn sec_ldap_03_success_is_not_identity() {
    let world = World::new().await;
    let yes = || message(1, &outcome(0x61, 0, b""));
    let who = |name: &str| message(2, &outcome(0x78, 0, &tlv(0x8b, name.as_bytes())));
    let unsupported = || message(2, &outcome(0x78, 2, b""));
    let own = |id: &str| {
        [
            message(3, &entry("uid=a,dc=x", &[("uid", "a"), ("entryUUID", id)])),
            message(3, &outcome(0x65, 0, b"")),
        ]
        .concat()
    };
    for (what, fake, right) in [
        ("itself", lying(yes(), who("dn:UID=A, dc=x"), Vec::new()), true),
        ("nobody", lying(yes(), who(""), own("1")), false),
        ("an empty DN", lying(yes(), who("dn:"), own("1")), false),
        (
            "no name at all",
            lying(yes(), message(2, &outcome(0x78, 0, b"")), own("1")),
            false,
        ),
        (
            "another entry",
            lying(yes(), who("dn:uid=b,dc=x"), own("1")),
            false,
        ),
        (
            "another kind of name, same entry",
            lying(yes(), who("u:X\\a"), own("1")),
            true,
        ),
        (
            "another kind of name, other entry",
            lying(yes(), who("u:X\\a"), own("2")),
            false,
        ),
        (
            "it does not say, same entry",
            lying(yes(), unsupported(), own("1")),
            true,
        ),
        (
            "it does not say, nothing to see",
            lying(yes(), unsupported(), message(3, &outcome(0x65, 0, b""))),
            false,
        ),
        (
            "it does not say, may not look",
            lying(yes(), unsupported(), message(3, &outcome(0x65, 50, b""))),
            false,
        ),
    ] {
        let settings = read(&fake.config());
        let outcome = world.ldap_login(&settings, "a", "pw").await;
        assert_eq!(outcome.is_ok(), right, "{what}: {outcome:?}");
        if !right {
            assert!(
                matches!(outcome, Err(Denial::SomebodyElse(_))),
                "{what}: {outcome:?}"
            );
        }
    }
}

/// ldap-08: result codes that mean that something is missing.
#[tokio::test]
async fn sec_ldap_08_parts_are_not_taken_for_the_whole() {
    let world = World::new().await;
    let one = message(1, &entry("uid=a,dc=x", &[("uid", "a"), ("entryUUID", "1")]));
    let whole = [one.clone(), message(1, &outcome(0x65, 0, b""))].concat();
    world
        .sync(&read(&Fake::start(vec![whole]).config()))
        .await
        .unwrap();
    assert_eq!(world.active().await, ["a", "admin"]);
    // Time limit, size limit, administrative limit, busy, unavailable, unwilling.
    for code in [3, 4, 11, 51, 52, 53, 80, 123] {
        for entries in [&one[..], b""] {
            let part = [entries, &message(1, &outcome(0x65, code, b""))].concat();
            let failed = world.sync(&read(&Fake::start(vec![part]).config())).await;
            assert!(
                matches!(failed, Err(SyncError::Fetch(_))),
                "code {code}: {failed:?}"
            );
        }
    }
    // Asked for pages, a server that does not say whether more follow has said nothing.
    let fake = Fake::start(vec![[one, message(1, &outcome(0x65, 0, b""))].concat()]);
    let paged = mke_core::config::Ldap {
        no_simple_pagination: false,
        ..fake.config()
    };
    let failed = world.sync(&read(&paged)).await.unwrap_err();
    assert!(failed.to_string().contains("noSimplePagination"), "{failed}");
    assert_eq!(world.active().await, ["a", "admin"]);
}
