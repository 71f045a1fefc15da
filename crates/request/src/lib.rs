//! The lifecycle of a request, and the only maker of a grant.
