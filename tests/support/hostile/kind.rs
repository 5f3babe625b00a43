//! The kinds of reasons for which a file is not taken.

use godwit::catalogue::RejectedError;

/// The kind of reason for which a file was rejected.
pub(super) fn of(reason: &RejectedError) -> &'static str {
    match reason {
        RejectedError::Component(error) => error.kind(),
        RejectedError::Read(_) => "cannot be read",
        RejectedError::Schema(_) => "not a schema",
    }
}
