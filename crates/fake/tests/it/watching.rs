//! What the fake remembers of requests.
