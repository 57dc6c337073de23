//! Small edits of a JSON body without writing it anew.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Replaces a range of bytes by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) at: Range<usize>,
    pub(crate) with: String,
}

/// The body with its edits, which do not overlap. Without edits it is the same buffer.
pub(crate) fn apply(body: &Bytes, mut edits: Vec<Splice>) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    edits.sort_by_key(|edit| edit.at.start);
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = BytesMut::with_capacity(body.len() + added);
    let mut from = 0;
    for edit in &edits {
        out.extend_from_slice(&body[from..edit.at.start]);
        out.extend_from_slice(edit.with.as_bytes());
        from = edit.at.end;
    }
    out.extend_from_slice(&body[from..]);
    out.freeze()
}
