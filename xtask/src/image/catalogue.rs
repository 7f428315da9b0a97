//! Which images there are, and what each begins with.

/// What images say they are unless another version is asked for.
pub(crate) const VERSION: &str = "3.4.15";

/// What stands before their names.
pub(crate) const ORGANISATION: &str = "mirantis";

/// What lies above the common files of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The programs of this project.
    Own,
    /// etcd and its client.
    Etcd,
    /// nginx.
    Nginx,
}

/// One image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image {
    pub(super) name: &'static str,
    pub(super) content: Content,
    /// What its containers start; arguments follow.
    pub(super) entrypoint: &'static [&'static str],
}

const fn agent(name: &'static str) -> Image {
    Image {
        name,
        content: Content::Own,
        entrypoint: &["/bin/ucp-agent"],
    }
}

/// All images. Every component is `ucp-agent` with another word behind it; the documented names stay, because
/// clusters, registries and scripts know them.
pub(super) const IMAGES: [Image; 14] = [
    Image {
        name: "ucp",
        content: Content::Own,
        entrypoint: &["/bin/ucp"],
    },
    agent("ucp-agent"),
    agent("ucp-auth"),
    agent("ucp-cfssl"),
    agent("ucp-controller"),
    agent("ucp-dsinfo"),
    agent("ucp-hardware-info"),
    agent("ucp-interlock"),
    agent("ucp-interlock-config"),
    agent("ucp-interlock-extension"),
    agent("ucp-metrics"),
    agent("ucp-swarm"),
    Image {
        name: "ucp-etcd",
        content: Content::Etcd,
        entrypoint: &["/bin/etcd"],
    },
    Image {
        name: "ucp-interlock-proxy",
        content: Content::Nginx,
        entrypoint: &["/usr/sbin/nginx", "-g", "daemon off;"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (index, image) in IMAGES.iter().enumerate() {
            assert!(
                IMAGES.iter().take(index).all(|other| other.name != image.name),
                "{}",
                image.name
            );
        }
    }
}
