//! Access rules compiled to Cedar, and the ruling over one request.
