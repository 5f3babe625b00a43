//! Which version a line's item has.

use super::ImportSettings;
use super::bad::BadLineReason;
use super::identify::{find, kind};
use crate::model::Version;
use crate::model::item::MAX_VERSION_BYTES;

/// The version of a body, which is JSON: that which it says itself, where it is to be asked and says one, else the one that
/// was given for all.
pub(super) fn version_of(body: &str, settings: &ImportSettings) -> Result<Version, BadLineReason> {
    let said = match &settings.version_at {
        Some(pointer) => find(body, pointer)
            .ok()
            .flatten()
            .map(|value| (pointer.to_string(), value)),
        None => None,
    };
    let Some((pointer, value)) = said else {
        return settings
            .version
            .clone()
            .ok_or_else(|| BadLineReason::NoVersion {
                pointer: settings
                    .version_at
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            });
    };
    let wrong = |found: String| BadLineReason::NotAVersion {
        pointer: pointer.clone(),
        found,
    };
    if !value.starts_with('"') {
        return Err(wrong(kind(value).to_owned()));
    }
    let text: String =
        serde_json::from_str(value).map_err(|_| wrong("a text that is not Unicode".to_owned()))?;
    if text.len() > MAX_VERSION_BYTES {
        return Err(BadLineReason::VersionTooLong {
            pointer,
            bytes: text.len() as u64,
            limit: MAX_VERSION_BYTES as u64,
        });
    }
    let version: Version = text
        .parse()
        .map_err(|_| wrong(format!("\"{}\"", text.escape_debug())))?;
    match &settings.highest {
        Some(highest) if version > *highest => Err(BadLineReason::TooNew {
            version,
            highest: highest.clone(),
        }),
        _ => Ok(version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str, given: Option<&str>) -> Result<String, String> {
        let settings = ImportSettings {
            version_at: Some("/meta/v".parse().unwrap()),
            ..ImportSettings::new(
                "app".parse().unwrap(),
                "c".parse().unwrap(),
                given.map(|given| given.parse().unwrap()),
            )
        };
        let version = version_of(body, &settings).map_err(|reason| reason.to_string())?;
        Ok(version.to_string())
    }

    #[test]
    fn a_document_says_its_version_or_has_the_one_that_was_given() {
        let cases = [
            (r#"{"meta":{"v":"1.2.3"}}"#, "1.2.3"),
            (r#"{"meta":{"v":"\u0031.2.3-rc.1+x"}}"#, "1.2.3-rc.1+x"),
            (r#"{"meta":{"v":"1.0.0","v":"2.0.0"}}"#, "2.0.0"),
            (r#"{"meta":{}}"#, "0.1.0"),
            (r#"{"meta":"1.2.3"}"#, "0.1.0"),
            ("5", "0.1.0"),
        ];
        for (body, expected) in cases {
            assert_eq!(said(body, Some("0.1.0")).as_deref(), Ok(expected), "{body}");
        }
    }

    #[test]
    fn what_is_no_version_is_never_taken_for_the_one_that_was_given() {
        let long = format!(r#"{{"meta":{{"v":"1.0.0-{}"}}}}"#, "a".repeat(123));
        let a_version = r#"; a version is a text as in "1.2.3""#;
        let cases = [
            (r#"{"meta":{"v":null}}"#, "at `/meta/v` is null"),
            (r#"{"meta":{"v":2}}"#, "at `/meta/v` is a number"),
            (r#"{"meta":{"v":true}}"#, "at `/meta/v` is true or false"),
            (r#"{"meta":{"v":["1.0.0"]}}"#, "at `/meta/v` is a list"),
            (r#"{"meta":{"v":"1.0"}}"#, "at `/meta/v` is \"1.0\""),
            (r#"{"meta":{"v":"\u001b"}}"#, "at `/meta/v` is \"\\u{1b}\""),
            (
                r#"{"meta":{"v":"\ud800"}}"#,
                "at `/meta/v` is a text that is not Unicode",
            ),
        ];
        for (body, expected) in cases {
            for given in [None, Some("0.1.0")] {
                assert_eq!(
                    said(body, given),
                    Err(format!("{expected}{a_version}")),
                    "{body}"
                );
            }
        }
        let too_long = "a version has 128 bytes at most, that at `/meta/v` has 129";
        assert_eq!(said(&long, None), Err(too_long.to_owned()));
        assert!(said(&long.replacen("aaa", "aa", 1), None).is_ok());
    }

    #[test]
    fn a_document_is_no_newer_than_it_may_be() {
        let at = |version: &str| {
            let settings = ImportSettings {
                version_at: Some("/v".parse().unwrap()),
                highest: Some(Version::new(2, 0, 0)),
                ..ImportSettings::new("app".parse().unwrap(), "c".parse().unwrap(), None)
            };
            version_of(&format!(r#"{{"v":"{version}"}}"#), &settings)
        };
        assert_eq!(at("2.0.0"), Ok(Version::new(2, 0, 0)));
        let error = at("2.0.1").unwrap_err().to_string();
        assert_eq!(
            error,
            "its version 2.0.1 is above 2.0.0, and no migration leads there"
        );
    }

    #[test]
    fn a_document_without_any_version_says_why() {
        let expected = "there is nothing at `/meta/v`, where its version should be, and no other version was given";
        for body in [r#"{"meta":{}}"#, "[]", "5"] {
            assert_eq!(said(body, None), Err(expected.to_owned()), "{body}");
        }
    }
}
