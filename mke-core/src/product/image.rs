//! Images: which there are, which a kind of cluster needs, and how they are named (SWO-002, OFF-004).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::image_table::IMAGES;
use super::{ProductVersion, component};

/// Under which organisation images lie.
pub const DEFAULT_ORGANISATION: &str = "mirantis";

/// One image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Its name, without organisation and tag.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Whether clusters without Kubernetes need it.
    pub swarm_only: bool,
    /// The name of its Windows variant.
    pub windows: Option<&'static str>,
    /// Whether this product makes it. The others belong to parts that it does not bring along.
    pub made: bool,
}

impl Image {
    pub(super) const fn new(name: &'static str, purpose: &'static str) -> Self {
        Self {
            name,
            purpose,
            swarm_only: false,
            windows: None,
            made: false,
        }
    }

    pub(super) const fn swarm_only(mut self) -> Self {
        self.swarm_only = true;
        self
    }

    pub(super) const fn windows(mut self, name: &'static str) -> Self {
        self.windows = Some(name);
        self
    }

    pub(super) const fn made(mut self) -> Self {
        self.made = true;
        self
    }
}

/// Which images somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImageSet {
    /// Those of clusters without Kubernetes.
    pub swarm_only: bool,
    /// Those of Windows nodes instead of those of Linux nodes.
    pub windows: bool,
}

/// Every image of the documents.
pub fn all_images() -> &'static [Image] {
    IMAGES
}

/// The image with this name.
pub fn image(name: &str) -> Option<&'static Image> {
    IMAGES.iter().find(|image| image.name == name)
}

/// The names of the images of a set, in alphabetical order. Clusters without Kubernetes do not need the bootstrapper's
/// image on other nodes than the one it is run on, so that it stands in no swarm-only set.
pub fn images(set: ImageSet) -> Vec<&'static str> {
    let of = IMAGES.iter().filter(|image| image.swarm_only || !set.swarm_only);
    let mut names: Vec<_> = if set.windows {
        of.filter_map(|image| image.windows).collect()
    } else {
        of.map(|image| image.name).collect()
    };
    names.sort_unstable();
    names
}

/// The image of a component: its own, or the agent's when a cluster without Kubernetes is not given its own one.
pub fn image_of(name: &str, swarm_only: bool) -> Option<&'static str> {
    let own = image(component(name)?.image?)?;
    if swarm_only && !own.swarm_only && own.name != "ucp" {
        return Some("ucp-agent");
    }
    Some(own.name)
}

/// The full name of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef {
    /// Registry and organisation, such as `mirantis` or `registry.example.com:5000/mirantis`.
    pub organisation: String,
    /// The name.
    pub name: String,
    /// The tag.
    pub tag: String,
}

/// A text that names no image of the product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no image: write organisation, name and tag, such as mirantis/ucp-agent:3.4.15")]
pub struct ImageRefError(pub String);

impl ImageRef {
    /// The image of this name and version.
    pub fn new(organisation: &str, name: &str, version: ProductVersion) -> Self {
        Self {
            organisation: organisation.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
            tag: version.to_string(),
        }
    }

    /// The version, when the tag is one.
    pub fn version(&self) -> Option<ProductVersion> {
        self.tag.parse().ok()
    }
}

/// ```
/// use mke_core::product::ImageRef;
/// let image: ImageRef = "registry.example.com:5000/mirantis/ucp-agent:3.4.15".parse()?;
/// assert_eq!((image.organisation.as_str(), image.name.as_str()), ("registry.example.com:5000/mirantis", "ucp-agent"));
/// assert_eq!(image.to_string(), "registry.example.com:5000/mirantis/ucp-agent:3.4.15");
/// # Ok::<(), mke_core::product::ImageRefError>(())
/// ```
impl FromStr for ImageRef {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ImageRefError(text.to_owned());
        let (organisation, rest) = text.rsplit_once('/').ok_or_else(refused)?;
        let (name, tag) = rest.split_once(':').ok_or_else(refused)?;
        let plain = |part: &str, more: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if !plain(organisation, "-_./:") || !plain(name, "-_.") || !plain(tag, "-_.") {
            return Err(refused());
        }
        Ok(Self {
            organisation: organisation.to_owned(),
            name: name.to_owned(),
            tag: tag.to_owned(),
        })
    }
}

impl TryFrom<String> for ImageRef {
    type Error = ImageRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ImageRef> for String {
    fn from(image: ImageRef) -> Self {
        image.to_string()
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.organisation, self.name, self.tag)
    }
}
