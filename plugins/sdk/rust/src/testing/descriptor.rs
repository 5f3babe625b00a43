//! What the real host would refuse in a descriptor.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};

use crate::{Descriptor, Mode, Phase, Step};

/// Says what is wrong with a descriptor, if anything is.
pub(super) fn check(descriptor: &Descriptor) -> Result<(), String> {
    check_name("app", &descriptor.app)?;
    Version::parse(&descriptor.version)
        .map_err(|error| format!("version `{}`: {error}", descriptor.version))?;
    if let Some(versions) = &descriptor.requires {
        check_requirement(versions)?;
    }
    for dependency in &descriptor.depends_on {
        check_name("app", &dependency.app)?;
        check_requirement(&dependency.versions)?;
    }
    descriptor.steps.iter().try_for_each(check_step)?;
    check_order(&descriptor.steps)
}

fn check_step(step: &Step) -> Result<(), String> {
    check_name("step", &step.name)?;
    if step.mode == Mode::Derive && step.writes.contains(&step.collection) {
        return Err(format!(
            "step `{}` derives from `{}` and so may not write it",
            step.name, step.collection
        ));
    }
    Ok(())
}

fn check_order(steps: &[Step]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    if let Some(twice) = steps.iter().find(|step| !names.insert(&step.name)) {
        return Err(format!("two steps are called `{}`", twice.name));
    }
    if !steps.is_sorted_by_key(|step| step.phase == Phase::Online) {
        return Err("an offline step comes after an online one".into());
    }
    Ok(())
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    match name.len() {
        1..=64 => Ok(()),
        length => Err(format!("{what} `{name}` has {length} bytes, not 1 to 64")),
    }
}

fn check_requirement(versions: &str) -> Result<(), String> {
    VersionReq::parse(versions)
        .map(drop)
        .map_err(|error| format!("requirement `{versions}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(descriptor: Descriptor) -> String {
        check(&descriptor).unwrap_err()
    }

    #[test]
    fn a_sound_descriptor_passes() {
        let descriptor = Descriptor::new("a", "1.0.0-rc.1")
            .requires(">=0.9, <1")
            .depends_on("b", "^2")
            .step(Step::rewrite("x", "c").writes("c"))
            .step(Step::derive("y", "c").online().writes("d"));
        assert_eq!(check(&descriptor), Ok(()));
    }

    #[test]
    fn each_flaw_is_named() {
        let sound = || Descriptor::new("a", "1.0.0");
        assert!(refused(Descriptor::new("", "1.0.0")).contains("0 bytes"));
        assert!(refused(Descriptor::new("a", "1.0")).contains("version `1.0`"));
        assert!(refused(sound().requires("one")).contains("requirement `one`"));
        assert!(refused(sound().depends_on("b", "?")).contains("requirement `?`"));
        let twice = sound()
            .step(Step::rewrite("x", "c"))
            .step(Step::derive("x", "d"));
        assert!(refused(twice).contains("two steps"));
        let late = sound()
            .step(Step::rewrite("x", "c").online())
            .step(Step::rewrite("y", "c"));
        assert!(refused(late).contains("after an online"));
        let own = sound().step(Step::derive("x", "c").writes("c"));
        assert!(refused(own).contains("may not write"));
    }
}
