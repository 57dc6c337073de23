//! What a handler gives back: JSON, a page, a stream, or a way onward.

use axum::body::Body;
use bytes::Bytes;
use domain::page::Page;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an answer carries.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Whole(Bytes),
    /// What is made while it is sent, and cut off where it cannot be made.
    Stream(Body),
}

/// An answer that was worked out but not sent yet.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers beside those that every answer has.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Content,
}

impl Answer {
    /// A JSON value.
    pub fn json(value: impl Serialize) -> Self {
        match serde_json::to_vec(&value) {
            Ok(body) => Self::of(StatusCode::OK, "application/json", body.into()),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Self::of(StatusCode::INTERNAL_SERVER_ERROR, "application/json", Bytes::new())
            }
        }
    }

    /// A page.
    pub fn html(page: impl Into<String>) -> Self {
        Self::of(StatusCode::OK, "text/html; charset=utf-8", Bytes::from(page.into()))
    }

    /// Any text or bytes of a media type.
    pub fn of(status: StatusCode, media_type: &'static str, body: Bytes) -> Self {
        Self::carrying(status, media_type, Content::Whole(body))
    }

    /// What is made while it is sent, to be kept as a file.
    pub fn download(media_type: &'static str, file_name: &str, body: Body) -> Self {
        Self::carrying(StatusCode::OK, media_type, Content::Stream(body))
            .header(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{file_name}\""))
    }

    fn carrying(status: StatusCode, media_type: &'static str, body: Content) -> Self {
        Self { status, headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], body }
    }

    /// On to another page of the console, by a GET. The location is a path made by the console itself.
    pub fn redirect(location: &str) -> Self {
        let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
        Self {
            status: StatusCode::SEE_OTHER,
            headers: vec![(header::LOCATION, location)],
            body: Content::Whole(Bytes::new()),
        }
    }

    /// With another status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With one more header; a value that no header can carry is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// With a cookie to set.
    #[must_use]
    pub fn cookie(self, cookie: &str) -> Self {
        self.header(header::SET_COOKIE, cookie)
    }

    /// The answer as it is sent.
    pub(crate) fn into_response(self) -> Response<Body> {
        let body = match self.body {
            Content::Whole(bytes) => Body::from(bytes),
            Content::Stream(body) => body,
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// A page of a list, with every cursor that any client reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListJson<T> {
    /// Always `list`.
    pub object: String,
    /// The items.
    pub data: Vec<T>,
    /// The first item's id.
    pub first_id: Option<String>,
    /// The last item's id: pass it as `after` for the next page.
    pub last_id: Option<String>,
    /// Whether more follow.
    pub has_more: bool,
    /// The cursor of the next page; null on the last.
    pub next: Option<String>,
}

impl<T> ListJson<T> {
    /// The list of a page, given each item's id.
    pub fn of(page: Page<T>, id: impl Fn(&T) -> &str) -> Self {
        let first_id = page.items.first().map(|item| id(item).to_owned());
        let last_id = page.items.last().map(|item| id(item).to_owned());
        let next = last_id.clone().filter(|_| page.has_more);
        Self { object: "list".to_owned(), data: page.items, first_id, last_id, has_more: page.has_more, next }
    }
}
