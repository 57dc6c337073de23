//! Pages of lists: a bounded number of items after a cursor.

use crate::error::Error;

/// In which direction a list runs. Lists are ordered by id, which is by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// Which page is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The id after which the page starts; none for the first page.
    pub after: Option<String>,
    /// How many items at most.
    pub limit: i64,
    /// In which direction.
    pub order: Order,
}

impl PageRequest {
    /// A page of `limit` items, which has to be 1 to `most`.
    ///
    /// # Errors
    /// `invalid_limit`.
    pub fn new(after: Option<String>, limit: i64, most: i64, order: Order) -> Result<Self, Error> {
        if !(1..=most).contains(&limit) {
            return Err(Error::invalid_param(
                "invalid_limit",
                "limit",
                format!("Use a limit of 1 to {most}."),
            ));
        }
        Ok(Self { after: after.filter(|cursor| !cursor.is_empty()), limit, order })
    }

    /// The first `limit` items.
    pub const fn first(limit: i64, order: Order) -> Self {
        Self { after: None, limit, order }
    }
}

/// A cursor that no page gave.
pub fn invalid_cursor(param: &'static str) -> Error {
    Error::invalid_param("invalid_cursor", param, "Pass the id of an item of the page before.")
}

/// A page of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Whether more follow.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// A page from at most `limit + 1` items that were read.
    pub fn from_read(mut items: Vec<T>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        Self { items, has_more }
    }

    /// The same page of other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), has_more: self.has_more }
    }
}
