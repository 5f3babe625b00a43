//! The kinds of reasons for which a file is not taken.

use godwit::catalogue::RejectedError;
use godwit::sandbox::{LoadError, SpeechError};

/// The kind of reason for which a file was rejected.
pub(super) fn of(reason: &RejectedError) -> &'static str {
    match reason {
        RejectedError::Component(error) => of_load(error),
        RejectedError::Read(_) => "cannot be read",
        RejectedError::Schema(_) => "not a schema",
    }
}

fn of_load(error: &LoadError) -> &'static str {
    match error {
        LoadError::TooLarge { .. } => "too large",
        LoadError::Speech(SpeechError::Unsupported { .. }) => "contract version not supported",
        LoadError::Speech(SpeechError::ImportNotOffered { .. }) => "import not offered",
        LoadError::Speech(
            SpeechError::NotWasm
            | SpeechError::CoreModule
            | SpeechError::Encode(_)
            | SpeechError::Malformed(_)
            | SpeechError::NotAMigration,
        ) => "not a migration",
        LoadError::Compile(_) => "cannot be compiled",
        LoadError::Link(_) => "cannot be linked",
        LoadError::Instantiate(_) => "cannot be instantiated",
        LoadError::Describe(_) => "cannot be described",
        LoadError::Descriptor(_) => "description not valid",
    }
}
