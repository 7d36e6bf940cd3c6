//! Where things lie in etcd: the prefix and the parts of a key, names and their rules, range ends.
//!
//! The layout is shared with the Go package byte for byte. Keys are built here and nowhere else.

use std::sync::Arc;

use crate::error::{Error, Result};

/// The prefix of a client that names none.
pub(crate) const DEFAULT_PREFIX: &str = "/go-core";

/// The longest name of a lock (and of whatever else has a name), in bytes.
pub(crate) const LONGEST_NAME: usize = 1024;

/// Below one prefix live all keys of a client. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keyspace {
    prefix: Arc<str>,
}

impl Keyspace {
    /// Trailing slashes are trimmed; what is empty then is `/go-core`, as in Go.
    pub(crate) fn new(prefix: &str) -> Self {
        let trimmed = prefix.trim_end_matches('/');
        Self { prefix: if trimmed.is_empty() { DEFAULT_PREFIX } else { trimmed }.into() }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The prefix, then each part that is not empty without its surrounding slashes.
    pub(crate) fn key<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> String {
        let mut key = self.prefix.to_string();
        for part in parts {
            let part = part.trim_matches('/');
            if !part.is_empty() {
                key.push('/');
                key.push_str(part);
            }
        }
        key
    }

    /// `{prefix}/locks/{name}`, without the contender's part.
    pub(crate) fn lock(&self, name: &str) -> String {
        self.key(["locks", name])
    }

    /// `{prefix}/elections/{name}`, without the candidate's part.
    pub(crate) fn election(&self, name: &str) -> String {
        self.key(["elections", name])
    }

    /// The record of a session: under the session's lease, and the fence of its transactions.
    pub(crate) fn session(&self, lease: i64) -> String {
        self.key([".gocore", "sessions", &format!("{lease:x}")])
    }

    /// A key inside the client's own rights that nobody writes: reading it proves a connection.
    pub(crate) fn probe(&self) -> String {
        self.key([".gocore", "probe"])
    }
}

/// A name as the user gave it, for a key: surrounding slashes trimmed, inner ones kept.
pub(crate) fn name<'a>(op: &'static str, argument: &str, name: &'a str) -> Result<&'a str> {
    let trimmed = name.trim_matches('/');
    if trimmed.chars().all(|c| c == '/' || c.is_whitespace()) {
        return Err(Error::invalid(op, argument, "must not be empty or blank"));
    }
    if trimmed.contains('\0') {
        return Err(Error::invalid(op, argument, "must not contain NUL"));
    }
    if trimmed.len() > LONGEST_NAME {
        let why = format!("is {} bytes long, at most {LONGEST_NAME} are allowed", trimmed.len());
        return Err(Error::invalid(op, argument, why));
    }
    Ok(trimmed)
}

/// The end of the range of all keys that begin with `prefix`: the first key after them.
pub(crate) fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    // Nothing lies after a prefix of 0xff alone: to the end of all keys.
    vec![0]
}

/// The single segment of `key` after `prefix`, or None when there is none or more than one.
pub(crate) fn only_segment<'a>(prefix: &[u8], key: &'a [u8]) -> Option<&'a [u8]> {
    let rest = key.strip_prefix(prefix)?;
    (!rest.is_empty() && !rest.contains(&b'/')).then_some(rest)
}

#[cfg(test)]
mod tests;
