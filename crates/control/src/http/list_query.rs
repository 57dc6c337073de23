//! The query string that every list takes, for the reference.

use schemars::JsonSchema;

/// Which page of a list.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct ListQuery {
    /// The cursor after which the page starts: the `last_id` of the page before.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
}

/// Which page of a list that can run both ways.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct OrderedListQuery {
    /// The cursor after which the page starts: the id of the last item of the page before.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
    /// `asc` or `desc`.
    order: Option<String>,
}

/// Which page of a list that can be read in large pages.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct LongListQuery {
    /// The cursor after which the page starts: `next` of the page before.
    after: Option<String>,
    /// Up to 1000; 0 asks for as many as when it is absent.
    limit: Option<i64>,
    /// `asc` or `desc`.
    order: Option<String>,
}
