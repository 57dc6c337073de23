//! The query string, and forms, which are spelled alike.

use std::str::FromStr;

use domain::Error;
use domain::page::{Order, PageRequest, invalid_cursor};

/// Pairs of names and values in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the form `a=b&c=d`.
    pub fn parse(text: &str) -> Self {
        Self(serde_urlencoded::from_str(text).unwrap_or_default())
    }

    /// The first value of a name; an empty one counts as absent.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// The first value of a name, empty when absent: what a form field holds.
    pub fn text(&self, name: &str) -> &str {
        self.one(name).unwrap_or("")
    }

    /// Every value of a name, spelled `x`, `x[]` or `x[0]`, repeated or separated by commas.
    pub fn many(&self, name: &str) -> Vec<String> {
        let is_named = |key: &str| {
            key.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || (rest.starts_with('[') && rest.ends_with(']')))
        };
        let values = self.0.iter().filter(|(key, _)| is_named(key)).flat_map(|(_, value)| value.split(','));
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// What follows the prefix in each name that starts with it, with its value; empty values count as absent.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pair =
            move |(key, value): &'a (String, String)| Some((key.strip_prefix(prefix)?, value.as_str()));
        self.0.iter().filter_map(pair).filter(|(_, value)| !value.is_empty())
    }

    /// A whole number.
    ///
    /// # Errors
    /// `invalid_type` naming the parameter.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, Error> {
        let read = |text: &str| {
            text.parse().map_err(|_| Error::invalid_param("invalid_type", name, "Use a whole number."))
        };
        self.one(name).map(read).transpose()
    }

    /// Yes or no.
    ///
    /// # Errors
    /// `invalid_type` naming the parameter.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Error> {
        match self.one(name) {
            None => Ok(None),
            Some("true" | "1" | "on") => Ok(Some(true)),
            Some("false" | "0" | "off") => Ok(Some(false)),
            Some(_) => Err(Error::invalid_param("invalid_type", name, "Use true or false.")),
        }
    }

    /// The page that `after`, `limit` and `order` ask for, in a list of things with ids of the type. A cursor is a
    /// place in the order of ids: it stays good when the thing that it names is gone.
    ///
    /// # Errors
    /// `invalid_cursor`, `invalid_limit`, `invalid_order`, `invalid_type`.
    pub fn page<Id: FromStr>(&self, default: i64, most: i64, order: Order) -> Result<PageRequest, Error> {
        let order = match self.one("order") {
            None => order,
            Some("asc") => Order::Ascending,
            Some("desc") => Order::Descending,
            Some(_) => return Err(Error::invalid_param("invalid_order", "order", "Use asc or desc.")),
        };
        let after = self.one("after").map(str::to_owned);
        if after.as_ref().is_some_and(|after| after.parse::<Id>().is_err()) {
            return Err(invalid_cursor("after"));
        }
        PageRequest::new(after, self.number("limit")?.unwrap_or(default), most, order)
    }

    /// The same of a list whose `limit` may be 0, which asks for as many as when it is absent.
    ///
    /// # Errors
    /// Those of `page`.
    pub fn long_page<Id: FromStr>(
        &self,
        default: i64,
        most: i64,
        order: Order,
    ) -> Result<PageRequest, Error> {
        let is_zero = |(name, value): &(String, String)| name == "limit" && value == "0";
        Self(self.0.iter().filter(|pair| !is_zero(pair)).cloned().collect()).page::<Id>(default, most, order)
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::ProjectId;

    use super::*;

    #[test]
    fn lists_are_read_in_every_spelling() {
        let query = Query::parse("a%5B%5D=1&a[]=2&a=3,4&a[7]=5&ab=6&x=");
        assert_eq!(query.many("a"), ["1", "2", "3", "4", "5"]);
        assert_eq!(query.one("x"), None);
        assert_eq!(query.one("ab"), Some("6"));
    }

    #[test]
    fn pages_refuse_nonsense() {
        let page = |text| Query::parse(text).page::<ProjectId>(20, 100, Order::Ascending);
        assert_eq!(page("limit=0").unwrap_err().code(), "invalid_limit");
        assert_eq!(page("limit=x").unwrap_err().code(), "invalid_type");
        assert_eq!(page("order=up").unwrap_err().code(), "invalid_order");
        assert_eq!(page("after=user_01jd0000000000000000000000").unwrap_err().code(), "invalid_cursor");
        assert!(page("after=proj_01jd0000000000000000000000").is_ok());
        assert_eq!(page("after=&limit=3&order=desc").unwrap().order, Order::Descending);
    }
}
