//! Reads what a client of a registry asks for: `repository:acme/app:pull,push`.
//!
//! Only the form is judged here. What is well formed but means nothing, such as a repository that no registry could hold,
//! is granted to nobody by [`super::decide`].

/// Most resources in one request.
pub const MAX_SCOPES: usize = 32;
/// Longest text of one scope, in bytes; the name of a repository has at most 255.
pub const MAX_SCOPE_BYTES: usize = 512;
/// Longest name of a repository, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Why a scope cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// It has not the three parts.
    #[error("scope `{0}` must have the form `<type>:<name>:<action>[,<action>…]`")]
    Form(String),
    /// It is too long.
    #[error("a scope has {found} bytes, at most {MAX_SCOPE_BYTES} are read")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// There are too many.
    #[error("more than {MAX_SCOPES} scopes, ask for fewer at once")]
    TooMany,
}

/// One resource of a registry, and what shall be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `repository`, `registry`, or a type that nothing here knows.
    pub kind: String,
    /// The resource's name: `acme/app`, `catalog`.
    pub name: String,
    /// `pull`, `push`, `delete`, `*`, or actions that nothing here knows; in the order in which they were asked for, each
    /// once.
    pub actions: Vec<String>,
}

impl Scope {
    /// Reads the scopes of a request. Each text may hold several with spaces between. Scopes of one resource become one,
    /// because clients ask for `pull` and `pull,push` of one repository in the same request.
    ///
    /// ```
    /// use mke_rbac::registry::Scope;
    ///
    /// let scopes = Scope::read_all(["repository:acme/app:pull repository:acme/app:pull,push"])?;
    /// assert_eq!(scopes[0].actions, ["pull", "push"]);
    /// assert_eq!(scopes.len(), 1);
    /// # Ok::<(), mke_rbac::registry::ScopeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScopeError`].
    pub fn read_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Vec<Self>, ScopeError> {
        let mut scopes: Vec<Self> = Vec::new();
        let words = texts.into_iter().flat_map(|text| text.split(' '));
        for (count, word) in words.filter(|word| !word.is_empty()).enumerate() {
            if count >= MAX_SCOPES {
                return Err(ScopeError::TooMany);
            }
            let read = Self::read(word)?;
            let same = scopes
                .iter_mut()
                .find(|scope| scope.kind == read.kind && scope.name == read.name);
            match same {
                Some(scope) => read.actions.into_iter().for_each(|action| scope.add(action)),
                None => scopes.push(read),
            }
        }
        Ok(scopes)
    }

    fn read(text: &str) -> Result<Self, ScopeError> {
        if text.len() > MAX_SCOPE_BYTES {
            return Err(ScopeError::TooLong { found: text.len() });
        }
        let form = || ScopeError::Form(text.to_owned());
        // A name may hold colons, types and actions may not.
        let (kind, rest) = text.split_once(':').ok_or_else(form)?;
        let (name, actions) = rest.rsplit_once(':').ok_or_else(form)?;
        if kind.is_empty() || name.is_empty() {
            return Err(form());
        }
        let mut scope = Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions: Vec::new(),
        };
        for action in actions.split(',').filter(|action| !action.is_empty()) {
            scope.add(action.to_owned());
        }
        Ok(scope)
    }

    fn add(&mut self, action: String) {
        if !self.actions.contains(&action) {
            self.actions.push(action);
        }
    }

    /// The repository that this is about; nothing when it is something else, or has a name that no registry takes.
    pub fn repository(&self) -> Option<Repository<'_>> {
        if self.kind != "repository" || self.name.len() > MAX_NAME_BYTES {
            return None;
        }
        self.name
            .split('/')
            .all(is_component)
            .then_some(Repository(&self.name))
    }

    /// Whether this is the list of all repositories.
    pub fn is_catalog(&self) -> bool {
        self.kind == "registry" && self.name == "catalog"
    }
}

/// The name of a repository, without the registry's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repository<'n>(&'n str);

impl<'n> Repository<'n> {
    /// The account whose repository it is: what stands before the first `/`. Repositories directly below the registry
    /// have none.
    pub fn namespace(self) -> Option<&'n str> {
        self.0.split_once('/').map(|(namespace, _)| namespace)
    }

    /// The team whose repository it is inside an organization's namespace: what stands between the first two `/`.
    pub fn team(self) -> Option<&'n str> {
        let (_, below) = self.0.split_once('/')?;
        below.split_once('/').map(|(team, _)| team)
    }
}

/// Whether this may stand between two `/`: small letters and digits, with `.`, `_`, `__` or dashes between them, as the
/// registry itself demands.
fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_well = text.starts_with(is_word) && text.ends_with(is_word);
    let mut between = text.split(is_word);
    ends_well
        && between.all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}
