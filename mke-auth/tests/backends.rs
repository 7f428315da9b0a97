//! Who looks at a password: the accounts kept here, and a directory that the test plays.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod support;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mke_auth::accounts::{NewOrganization, NewUser, Person, UserChange};
use mke_auth::records::{Origin, Source};
use mke_auth::sessions::{
    Answer, Backends, DirectoryFailure, LoggedIn, LoginError, LoginRequest, PasswordDirectory,
};
use mke_auth::{FREE_ACCOUNT_FAILURES, FREE_SOURCE_FAILURES};
use mke_core::config::Auth;
use mke_core::secret::Secret;
use support::{PASSWORD, SOURCE, World, password, rng};

/// Name, password, and whether the directory says that it is an administrator.
type Entry = (String, String, Option<bool>);

/// A directory: people by unique id.
#[derive(Default)]
struct Played {
    people: Mutex<BTreeMap<String, Entry>>,
    down: Mutex<bool>,
    asked: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Played {
    fn add(&self, id: &str, name: &str, password: &str, admin: Option<bool>) {
        let person = (name.to_owned(), password.to_owned(), admin);
        self.people.lock().unwrap().insert(id.to_owned(), person);
    }

    fn answer(&self, name: &str, password: &Secret) -> Result<Person, DirectoryFailure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(!password.expose().is_empty(), "an empty password must not arrive");
        if *self.down.lock().unwrap() {
            return Err(DirectoryFailure::Unavailable("connection refused".to_owned()));
        }
        // Like a directory, it does not tell capitals.
        self.people
            .lock()
            .unwrap()
            .iter()
            .find(|(_, (known, right, _))| known.eq_ignore_ascii_case(name) && right == password.expose())
            .map(|(id, (known, _, is_admin))| Person {
                name: known.to_lowercase().parse().unwrap(),
                full_name: Some(format!("{known} of the directory")),
                origin: Origin {
                    dn: Some(format!("uid={known},dc=example,dc=com")),
                    ..Origin::new(Source::Ldap, id.as_str())
                },
                is_admin: *is_admin,
            })
            .ok_or_else(|| DirectoryFailure::Refused("no such entry, or another password".to_owned()))
    }
}

impl PasswordDirectory for Played {
    fn source(&self) -> Source {
        Source::Ldap
    }

    fn check<'a>(&'a self, name: &'a str, password: &'a Secret) -> Answer<'a> {
        Box::pin(async move {
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let answer = self.answer(name, password);
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }
}

struct Joined {
    world: World,
    directory: Arc<Played>,
}

impl Joined {
    async fn new(on_demand: bool) -> Self {
        let mut world = World::new().await;
        let directory = Arc::new(Played::default());
        directory.add("7", "jane", "directory secret", None);
        world.backends = Backends::managed().with_directory(directory.clone(), on_demand);
        Self { world, directory }
    }

    async fn refused(&self, name: &str, password: &str) {
        let result = self.world.try_login(name, password).await;
        assert!(
            matches!(result, Err(LoginError::InvalidCredentials)),
            "{name}: {result:?}"
        );
    }

    async fn accepted(&self, name: &str, password: &str) -> LoggedIn {
        self.world.try_login(name, password).await.unwrap()
    }

    fn asked(&self) -> usize {
        self.directory.asked.swap(0, Ordering::SeqCst)
    }

    async fn flags(&self, name: &str) -> (bool, bool, bool) {
        let directory = self.world.directory().await;
        let user = directory.account_by_name(name).unwrap().user().unwrap().clone();
        (user.is_admin, user.is_imported, user.on_demand)
    }
}

/// LDAP-017, LDAP-001: the first login makes the account, the next one finds it; nobody has one before.
#[tokio::test]
async fn accounts_are_made_at_the_first_login() {
    let joined = Joined::new(true).await;
    joined.refused("jane", "wrong").await;
    assert!(joined.world.directory().await.account_by_name("jane").is_none());
    let first = joined.accepted("jane", "directory secret").await;
    assert!(first.first_login);
    assert_eq!(joined.flags("jane").await, (false, true, true));
    let directory = joined.world.directory().await;
    let account = directory.account_by_origin(Source::Ldap, "7").unwrap();
    assert_eq!(account.full_name, "jane of the directory");
    assert!(
        account.user().unwrap().password.is_none(),
        "the password stays in the directory"
    );
    let second = joined.accepted("Jane", "directory secret").await;
    assert_eq!(second.identity.account(), first.identity.account());
}

/// LDAP-017: off, somebody without an account cannot log in, and none is made.
#[tokio::test]
async fn no_account_without_provisioning() {
    let joined = Joined::new(false).await;
    joined.refused("jane", "directory secret").await;
    assert!(joined.world.directory().await.account_by_name("jane").is_none());
    let new = NewUser::imported("jane", Origin::new(Source::Ldap, "7"));
    joined.world.accounts.create_user(new, &mut rng()).await.unwrap();
    joined.accepted("jane", "directory secret").await;
}

/// LDAP-023, AUTH-010, ldap-14: an account kept here logs in with its own password only, its name and password are never
/// shown to the directory, and the person of that name there gets nothing.
#[tokio::test]
async fn sec_ldap_14_local_accounts_come_first() {
    let joined = Joined::new(true).await;
    joined.world.user("local").await;
    let organization = NewOrganization {
        name: "ops".to_owned(),
        full_name: String::new(),
    };
    joined
        .world
        .accounts
        .create_organization(organization, &mut rng())
        .await
        .unwrap();
    for name in ["admin", "local", "ops", "docker-datacenter"] {
        joined.directory.add(name, name, "directory secret", Some(true));
        for spelling in [name.to_owned(), name.to_uppercase()] {
            joined.refused(&spelling, "directory secret").await;
        }
    }
    joined.accepted("admin", PASSWORD).await;
    joined.accepted("local", PASSWORD).await;
    joined.refused("LOCAL", PASSWORD).await;
    assert_eq!(joined.asked(), 0, "the directory must not be asked");
    assert_eq!(joined.flags("local").await, (false, false, false));

    // The name there may lead to another account here than the one that was typed.
    joined.directory.add("9", "other", "directory secret", None);
    joined.directory.people.lock().unwrap().get_mut("9").unwrap().0 = "local".to_owned();
    struct Renaming(Arc<Played>);
    impl PasswordDirectory for Renaming {
        fn source(&self) -> Source {
            Source::Ldap
        }
        fn check<'a>(&'a self, _: &'a str, password: &'a Secret) -> Answer<'a> {
            self.0.check("local", password)
        }
    }
    let renaming = Backends::managed().with_directory(Arc::new(Renaming(joined.directory.clone())), true);
    let request = LoginRequest {
        username: "other",
        password: &Secret::new("directory secret"),
        source: *SOURCE,
        user_agent: "",
        code: None,
    };
    let known = joined.world.directory().await;
    let result = joined
        .world
        .logins
        .check_password(&known, request, &renaming, &mut rng())
        .await;
    assert!(
        matches!(result, Err(LoginError::InvalidCredentials)),
        "{result:?}"
    );
    assert_eq!(joined.flags("local").await, (false, false, false));
}

/// ldap-12: the account follows the person. A new person with the old name does not get it.
#[tokio::test]
async fn sec_ldap_12_a_new_person_with_an_old_name() {
    let joined = Joined::new(true).await;
    joined.accepted("jane", "directory secret").await;
    joined.directory.people.lock().unwrap().clear();
    joined.directory.add("8", "jane", "another secret", None);
    joined.refused("jane", "another secret").await;
    let directory = joined.world.directory().await;
    assert!(directory.account_by_origin(Source::Ldap, "8").is_none());
    assert!(directory.account_by_origin(Source::Ldap, "7").is_some());
}

/// An inactive account stays out, whatever the directory says, and looks like a wrong password.
#[tokio::test]
async fn inactive_accounts_stay_out() {
    let joined = Joined::new(true).await;
    let login = joined.accepted("jane", "directory secret").await;
    let off = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    joined
        .world
        .accounts
        .update_account(login.identity.account(), &off)
        .await
        .unwrap();
    joined.refused("jane", "directory secret").await;
}

/// ldap-15, LDAP-014: at each login the directory says who is an administrator, if it says anything; the last
/// administrator stays one.
#[tokio::test]
async fn sec_ldap_15_administrators_at_login() {
    let joined = Joined::new(true).await;
    let set = |admin| joined.directory.add("7", "jane", "directory secret", admin);
    set(Some(true));
    joined.accepted("jane", "directory secret").await;
    assert!(joined.flags("jane").await.0);
    set(None);
    joined.accepted("jane", "directory secret").await;
    assert!(
        joined.flags("jane").await.0,
        "a directory that says nothing changes nothing"
    );
    set(Some(false));
    let demoted = joined.accepted("jane", "directory secret").await;
    assert!(!demoted.identity.is_admin() && !joined.flags("jane").await.0);

    set(Some(true));
    joined.accepted("jane", "directory secret").await;
    joined
        .world
        .accounts
        .delete_user(&joined.world.admin)
        .await
        .unwrap();
    set(Some(false));
    joined.accepted("jane", "directory secret").await;
    assert!(
        joined.flags("jane").await.0,
        "without her nobody could administer the cluster"
    );
}

/// An unreachable directory keeps nobody out who has an account here; for the others it looks like a wrong password
/// and does not count as one.
#[tokio::test]
async fn an_unreachable_directory() {
    let joined = Joined::new(true).await;
    *joined.directory.down.lock().unwrap() = true;
    for _ in 0..FREE_ACCOUNT_FAILURES + 5 {
        joined.refused("jane", "directory secret").await;
    }
    joined.accepted("admin", PASSWORD).await;
    *joined.directory.down.lock().unwrap() = false;
    joined.accepted("jane", "directory secret").await;
}

/// ldap-18: however many guesses come at once and in whatever spelling, the directory sees no more of them than are free.
#[tokio::test]
async fn sec_ldap_18_guesses_stop_before_the_directory() {
    let joined = Arc::new(Joined::new(true).await);
    let known = joined.world.directory().await;
    let guess = |name: String, source: IpAddr| {
        let (joined, known) = (joined.clone(), known.clone());
        tokio::spawn(async move {
            let request = LoginRequest {
                username: &name,
                password: &Secret::new("a guess"),
                source,
                user_agent: "",
                code: None,
            };
            let (world, backends) = (&joined.world, &joined.world.backends);
            world
                .logins
                .check_password(&known, request, backends, &mut rng())
                .await
        })
    };
    let spellings = ["jane", "Jane", "JANE", "jAnE"];
    let guesses: Vec<_> = (0..100_u8)
        .map(|i| {
            guess(
                spellings[usize::from(i) % 4].to_owned(),
                IpAddr::from([198, 51, 100, i]),
            )
        })
        .collect();
    for guess in guesses {
        assert!(guess.await.unwrap().is_err());
    }
    let asked = u32::try_from(joined.asked()).unwrap();
    assert_eq!(
        asked,
        FREE_ACCOUNT_FAILURES + 1,
        "the first delay begins after the free failures"
    );

    // One source that tries many names is stopped as well, but for the questions that were on their way.
    let one = IpAddr::from([203, 0, 113, 9]);
    for guess in (0..300)
        .map(|i| guess(format!("name{i}"), one))
        .collect::<Vec<_>>()
    {
        assert!(guess.await.unwrap().is_err());
    }
    let asked = u32::try_from(joined.asked()).unwrap();
    assert!(
        asked <= FREE_SOURCE_FAILURES + 1 + 64,
        "{asked} guesses reached the directory"
    );
    assert!(joined.directory.most_at_once.load(Ordering::SeqCst) <= 64);
}

/// ldap-01: an empty password never reaches the directory; authn-15: every failure costs one hash.
#[tokio::test]
async fn sec_ldap_01_empty_passwords() {
    let joined = Joined::new(true).await;
    for (name, password, asks) in [
        ("jane", "", 0),
        ("nobody", "", 0),
        ("jane", "wrong", 1),
        ("nobody", "wrong", 1),
        ("*", "wrong", 0),
        ("a b", "wrong", 0),
        ("a/b", "wrong", 0),
        ("a\u{0}", "wrong", 0),
    ] {
        let before = joined.world.hasher.count();
        joined.refused(name, password).await;
        assert_eq!(joined.world.hasher.count() - before, 1, "{name:?}");
        assert_eq!(joined.asked(), asks, "{name:?} with {password:?}");
    }
}

/// The switch for passwords kept here leaves one account, and says nothing about it.
#[tokio::test]
async fn managed_passwords_can_be_off() {
    let mut world = World::new().await;
    world.user("local").await;
    let auth = Auth {
        managed_password_disabled: true,
        managed_password_fallback_user: "admin".to_owned(),
        ..Auth::default()
    };
    world.backends = Backends::of(&auth);
    let refused = world.try_login("local", PASSWORD).await;
    assert!(matches!(refused, Err(LoginError::InvalidCredentials)));
    world.login("admin").await;
    world.backends = Backends::managed();
    world.login("local").await;
    assert_eq!(password().expose(), PASSWORD);
}

/// Two first logins at once make one account.
#[tokio::test]
async fn first_logins_at_once() {
    let joined = Arc::new(Joined::new(true).await);
    let logins: Vec<_> = (0..8)
        .map(|_| {
            let joined = joined.clone();
            tokio::spawn(async move {
                let login = joined.accepted("jane", "directory secret").await;
                login.identity.account().clone()
            })
        })
        .collect();
    let mut ids = Vec::new();
    for login in logins {
        ids.push(login.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}
