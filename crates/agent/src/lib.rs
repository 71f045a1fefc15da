//! Talking to an ssh-agent, and being one.
