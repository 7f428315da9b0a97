//! In which cloud a machine is, as its firmware says: nobody is asked over the network, so that nothing waits for a metadata service that
//! is not there.

use std::path::Path;

/// Where the kernel shows what the firmware says.
pub(super) const FIRMWARE: &str = "/sys/class/dmi/id";

/// What the firmware says, its file, and the cloud in the words of `--cloud-provider`.
const SIGNS: [(&str, &str, &str); 7] = [
    ("sys_vendor", "Amazon EC2", "aws"),
    ("bios_vendor", "Amazon EC2", "aws"),
    // The tag that Azure gives to all its machines; other machines of its maker have another one.
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "azure"),
    ("product_name", "Google Compute Engine", "gce"),
    ("product_name", "OpenStack Nova", "openstack"),
    ("product_name", "OpenStack Compute", "openstack"),
    ("sys_vendor", "OpenStack Foundation", "openstack"),
];

/// The cloud that the files below `firmware` name; nothing for other machines, and where nothing is told.
pub(super) fn detect(firmware: &Path) -> Option<String> {
    let says = |file: &str, text: &str| {
        std::fs::read_to_string(firmware.join(file)).is_ok_and(|found| found.trim() == text)
    };
    SIGNS
        .iter()
        .find(|(file, text, _)| says(file, text))
        .map(|(.., cloud)| (*cloud).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// INST-020: the firmware of each cloud is known, that of others is none.
    #[test]
    fn machines_and_clouds() {
        for (file, text, cloud) in [
            ("sys_vendor", "Amazon EC2\n", Some("aws")),
            (
                "chassis_asset_tag",
                "7783-7084-3265-9085-8269-3286-77\n",
                Some("azure"),
            ),
            ("sys_vendor", "Microsoft Corporation\n", None),
            ("product_name", "Google Compute Engine\n", Some("gce")),
            ("product_name", "OpenStack Nova\n", Some("openstack")),
            ("product_name", "Standard PC (Q35 + ICH9, 2009)\n", None),
            ("sys_vendor", "", None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(file), text).unwrap();
            assert_eq!(detect(dir.path()).as_deref(), cloud, "{file} {text}");
        }
        assert_eq!(detect(Path::new("/nonexistent")), None);
    }
}
