//! Refusals as gRPC tells them: a code, a message for people, and a stable reason for programs.

use std::collections::HashMap;
use std::time::Duration;

use ca::{Class, Error};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use wire::{HOSTS, WireError};

/// The domain of every reason (`google.rpc.ErrorInfo.domain`).
const DOMAIN: &str = "hallpass";
/// The reason for calls that come too often.
pub(crate) const RATE_LIMITED: &str = "RATE_LIMITED";
/// The reason for messages that cannot be read.
pub(crate) const MESSAGE_INVALID: &str = "MESSAGE_INVALID";

/// What a use case said.
pub(crate) fn of(error: &Error) -> Status {
    let about = match error {
        Error::SomeHosts(some) => HashMap::from([(HOSTS.to_owned(), some.listed())]),
        _ => HashMap::new(),
    };
    let details = ErrorDetails::with_error_info(error.reason(), DOMAIN, about);
    Status::with_error_details(code(error.class()), error.to_string(), details)
}

/// What is wrong with a message.
pub(crate) fn of_message(error: &WireError) -> Status {
    with_reason(Code::InvalidArgument, error.to_string(), MESSAGE_INVALID)
}

/// A peer that calls too often, and when it may call again.
pub(crate) fn rate_limited(wait: Duration) -> Status {
    let message = format!("too many calls from your address; wait {} ms and try again", wait.as_millis());
    let mut details = ErrorDetails::with_error_info(RATE_LIMITED, DOMAIN, HashMap::new());
    details.set_retry_info(Some(wait));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// What the libraries refused before a use case saw it, with a reason as everything else has; `None` where one is there.
pub(crate) fn completed(status: &Status) -> Option<(Status, &'static str)> {
    if status.code() == Code::Ok || !status.details().is_empty() {
        return None;
    }
    let unreadable = status.message().starts_with("failed to decode");
    let (code, reason, next) = match status.code() {
        Code::Internal if unreadable => (Code::InvalidArgument, MESSAGE_INVALID, "use a client of this API's version"),
        Code::OutOfRange => (Code::OutOfRange, "MESSAGE_TOO_LARGE", "no statement needs more than 77 KiB"),
        Code::Unimplemented => (Code::Unimplemented, "UNKNOWN_CALL", "the server has no such call; compare versions"),
        Code::NotFound => (Code::NotFound, "NOT_FOUND", "ask for what the server has"),
        Code::Cancelled | Code::DeadlineExceeded => (status.code(), "TIMED_OUT", "try again"),
        other => (other, "INTERNAL", "try again; an administrator finds more in the log"),
    };
    let said = if status.message().is_empty() { "the call was refused" } else { status.message() };
    Some((with_reason(code, format!("{said}; {next}"), reason), reason))
}

fn with_reason(code: Code, message: String, reason: &str) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new()))
}

const fn code(class: Class) -> Code {
    match class {
        Class::Invalid => Code::InvalidArgument,
        Class::Unauthenticated => Code::Unauthenticated,
        Class::Denied => Code::PermissionDenied,
        Class::NotFound => Code::NotFound,
        Class::State => Code::FailedPrecondition,
        Class::Conflict => Code::Aborted,
        Class::Exists => Code::AlreadyExists,
        Class::Exhausted => Code::ResourceExhausted,
        Class::Unavailable => Code::Unavailable,
        Class::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_a_stable_reason() {
        let status = of(&Error::Replayed);
        assert_eq!(status.code(), Code::AlreadyExists);
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("REPLAYED", "hallpass"));
        assert!(status.message().contains("sign a new one"));
    }

    #[test]
    fn too_many_calls_are_told_when_to_come_back() {
        let status = rate_limited(Duration::from_millis(250));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_millis(250)));
        assert_eq!(status.get_details_error_info().unwrap().reason, RATE_LIMITED);
    }
}
