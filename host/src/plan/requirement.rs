//! When a version satisfies a requirement.

use crate::model::{Version, VersionReq};

/// Whether `version` satisfies `requirement`.
///
/// A prerelease counts as the release that it leads to, so that `>=1, <2` holds for
/// `1.5.0-rc.1` and does not for `2.0.0-rc.1` (semver alone would let it match neither). Where the
/// requirement names a prerelease of the same release, as `>=1.5.0-rc.2` does, semver's own order
/// decides.
///
/// ```
/// use godwit::model::VersionReq;
/// use godwit::plan::satisfies;
///
/// let requirement: VersionReq = ">=1, <2".parse()?;
/// assert!(satisfies(&"1.5.0-rc.1".parse()?, &requirement));
/// assert!(!satisfies(&"2.0.0-rc.1".parse()?, &requirement));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn satisfies(version: &Version, requirement: &VersionReq) -> bool {
    if version.pre.is_empty() || names_prerelease_of(requirement, version) {
        return requirement.matches(version);
    }
    requirement.matches(&Version::new(version.major, version.minor, version.patch))
}

fn names_prerelease_of(requirement: &VersionReq, version: &Version) -> bool {
    requirement.comparators.iter().any(|comparator| {
        !comparator.pre.is_empty()
            && comparator.major == version.major
            && comparator.minor == Some(version.minor)
            && comparator.patch == Some(version.patch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prereleases_count_as_what_they_lead_to() {
        for (requirement, version, expected) in [
            (">=1, <2", "1.5.0", true),
            (">=1, <2", "1.5.0-rc.1", true),
            (">=1, <2", "2.0.0-rc.1", false),
            (">=1, <2", "1.0.0-rc.1", true),
            (">=1.5.0-rc.2, <2", "1.5.0-rc.1", false),
            (">=1.5.0-rc.2, <2", "1.5.0-rc.3", true),
            (">=1.5.0-rc.2, <2", "1.6.0-rc.1", true),
            ("=1.5.0", "1.5.0-rc.1", true),
            ("*", "0.1.0-alpha", true),
        ] {
            let requirement_met =
                satisfies(&version.parse().unwrap(), &requirement.parse().unwrap());
            assert_eq!(requirement_met, expected, "{version} against {requirement}");
        }
    }
}
