//! What this bootstrapper is: from which organisation and of which version. In a container it learns that by looking at
//! itself through the socket; on the host it is told by the environment.

use std::path::Path;

use mke_core::product::{DEFAULT_ORGANISATION, ImageRef, ProductVersion, version};

use super::daemon::Daemon;
use super::error::InstallError;

/// The name that the container of the bootstrapper must have (CLI-003), so that only one runs on an engine.
pub const CONTAINER: &str = "ucp";

/// What a process finds around itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// Whether this is a container of the product's own image.
    pub in_container: bool,
    /// `UCP_VERSION`, which the image bakes in.
    pub version: Option<String>,
    /// Where images come from when no container tells: `MKE_IMAGE_ORGANISATION`.
    pub organisation: Option<String>,
}

impl Around {
    /// Of this process.
    pub fn this_process() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let version = variable(mke_core::product::VERSION_VARIABLE);
        Self {
            // Hosts may be containers of another engine; only the product's own image says which version it is.
            in_container: version.is_some() && Path::new("/.dockerenv").exists(),
            version,
            organisation: variable("MKE_IMAGE_ORGANISATION"),
        }
    }
}

/// What this bootstrapper is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Where images come from: `mirantis`, or `registry.example.com/mirantis`.
    pub organisation: String,
    /// Its version, which is the one it installs.
    pub version: ProductVersion,
    /// The id of the container that it runs in.
    pub container: Option<String>,
}

impl Own {
    /// Finds out.
    ///
    /// # Errors
    /// A container of another name, an image of another name, a version that is none.
    pub async fn find(daemon: &Daemon, around: &Around) -> Result<Self, InstallError> {
        if !around.in_container {
            return Ok(Self {
                organisation: around
                    .organisation
                    .clone()
                    .unwrap_or_else(|| DEFAULT_ORGANISATION.to_owned()),
                version: version(around.version.as_deref())?,
                container: None,
            });
        }
        let path = format!("/containers/{CONTAINER}/json");
        let container = daemon.find(&path).await?.ok_or(InstallError::ContainerName)?;
        let text = |pointer: &str| container.pointer(pointer).and_then(serde_json::Value::as_str);
        // A container that ended long ago and kept the name is not this one.
        if container.pointer("/State/Running") != Some(&serde_json::Value::Bool(true)) {
            return Err(InstallError::ContainerName);
        }
        Self::of_image(
            text("/Config/Image").unwrap_or_default(),
            around.version.as_deref(),
            text("/Id").map(str::to_owned),
        )
    }

    /// From the image's name and from what is baked into it, which counts more: a tag may say anything.
    fn of_image(image: &str, baked: Option<&str>, container: Option<String>) -> Result<Self, InstallError> {
        let refused = || InstallError::Image(image.to_owned());
        let name: ImageRef = image.parse().map_err(|_| refused())?;
        if name.name != "ucp" {
            return Err(refused());
        }
        let version = match baked {
            Some(text) => text.parse()?,
            None => name.version().ok_or_else(refused)?,
        };
        Ok(Self {
            organisation: name.organisation,
            version,
            container,
        })
    }

    /// One of its images, such as `mirantis/ucp-agent:3.4.15`.
    pub fn image(&self, name: &str) -> String {
        ImageRef::new(&self.organisation, name, self.version).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CLI-012: a private registry stays in front of every image.
    #[test]
    fn from_the_name_of_the_image() {
        for (image, baked, organisation, version) in [
            ("mirantis/ucp:3.4.15", None, "mirantis", "3.4.15"),
            ("mirantis/ucp:3.4.14", Some("3.4.14"), "mirantis", "3.4.14"),
            (
                "registry.example.com:5000/team/ucp:3.4.15",
                None,
                "registry.example.com:5000/team",
                "3.4.15",
            ),
        ] {
            let own = Own::of_image(image, baked, None).unwrap();
            assert_eq!(
                (own.organisation.as_str(), own.version.to_string().as_str()),
                (organisation, version)
            );
            assert_eq!(
                own.image("ucp-agent"),
                format!("{organisation}/ucp-agent:{version}")
            );
        }
        for (image, baked) in [
            ("mirantis/other:3.4.15", None),
            ("mirantis/ucp:latest", None),
            ("sha256:abc", None),
            ("", None),
            ("mirantis/ucp:3.4.15", Some("new")),
        ] {
            assert!(Own::of_image(image, baked, None).is_err(), "{image}");
        }
    }
}
