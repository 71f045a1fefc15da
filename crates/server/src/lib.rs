//! hallpassd: configuration, TLS, authentication, gRPC services, background jobs.
