//! Where notices are posted to. Such addresses are often secrets, so that only scheme and host are ever shown.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// Why an address was refused. It does not show the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("expected a URL such as https://hooks.example.com/hallpass")]
    Form,
    #[error("a URL that is not https:// is for this machine only, such as http://127.0.0.1:8080/; use https://")]
    Plain,
    #[error("leave user and password out of the URL; receivers check the signature made with `secret-file`")]
    Credentials,
}

/// How a receiver is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Https,
    /// On loopback only.
    Http,
}

/// A URL, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) scheme: Scheme,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What the `Host` header says.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(given: &str) -> Result<Self, EndpointError> {
        let uri: Uri = given.parse().map_err(|_| EndpointError::Form)?;
        let (scheme, default) = match uri.scheme_str() {
            Some("https") => (Scheme::Https, 443),
            Some("http") => (Scheme::Http, 80),
            _ => return Err(EndpointError::Form),
        };
        let authority = uri.authority().filter(|_| !given.contains('#')).ok_or(EndpointError::Form)?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::Credentials);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(EndpointError::Form);
        }
        if scheme == Scheme::Http && !is_loopback(&host) {
            return Err(EndpointError::Plain);
        }
        let port = authority.port_u16().unwrap_or(default);
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Ok(Self { scheme, host, port, authority: authority.to_string(), target })
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
        };
        write!(f, "{scheme}://{}", self.host)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(given: &str) -> Result<Endpoint, EndpointError> {
        given.parse()
    }

    #[test]
    fn a_url_is_taken_apart() {
        let slack = parse("https://hooks.slack.com/services/T0/B0/secret?x=1").unwrap();
        assert_eq!((slack.host.as_str(), slack.port), ("hooks.slack.com", 443));
        assert_eq!(slack.target, "/services/T0/B0/secret?x=1");
        let local = parse("http://[::1]:8080").unwrap();
        assert_eq!((local.host.as_str(), local.port, local.target.as_str()), ("::1", 8080, "/"));
        assert_eq!(local.authority, "[::1]:8080");
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for good in ["http://localhost/", "http://127.0.0.1:1/", "http://127.9.9.9/", "https://10.0.0.1/"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["http://example.com/", "http://10.0.0.1/", "http://localhost.example.com/", "http://0.0.0.0/"] {
            assert_eq!(parse(bad), Err(EndpointError::Plain), "{bad}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for bad in
            ["", "hooks.example.com", "/path", "ftp://x/", "https://", "https:///x", "https://x/#y", "https://a b/"]
        {
            assert_eq!(parse(bad), Err(EndpointError::Form), "{bad}");
        }
        assert_eq!(parse("https://user:password@example.com/"), Err(EndpointError::Credentials));
    }

    #[test]
    fn what_may_be_secret_is_never_shown() {
        let slack = parse("https://hooks.slack.com/services/T0/B0/secret?token=secret").unwrap();
        assert_eq!(
            (slack.to_string().as_str(), format!("{slack:?}").contains("secret")),
            ("https://hooks.slack.com", false)
        );
    }
}
