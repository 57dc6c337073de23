//! The pages for what went wrong.

use askama::Template;

use super::shell::Bare;

/// Says what went wrong, what to do, and the request id to quote.
#[derive(Template)]
#[template(path = "http/error.html")]
pub struct ErrorPage {
    /// The frame.
    pub bare: Bare,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: String,
    /// What it means and what to do.
    pub text: String,
    /// The permission that is missing, for 403.
    pub missing_permission: Option<String>,
    /// The request id.
    pub request_id: String,
}

impl ErrorPage {
    /// 404, also for what belongs to somebody else.
    pub fn not_found(bare: Bare, request_id: String) -> Self {
        Self {
            bare,
            status: 404,
            title: "Nothing here".to_owned(),
            text: "This page does not exist, or you have no access to it. Check the address, or ask an Admin to be added."
                .to_owned(),
            missing_permission: None,
            request_id,
        }
    }

    /// 403, naming the permission that an Admin would have to give.
    pub fn forbidden(bare: Bare, permission: &str, request_id: String) -> Self {
        Self {
            bare,
            status: 403,
            title: "You may not do this".to_owned(),
            text: "Your role does not include it. An Admin of the organization, or an owner of the project, can give you a role that does."
                .to_owned(),
            missing_permission: Some(permission.to_owned()),
            request_id,
        }
    }

    /// 500: nothing changed.
    pub fn internal(bare: Bare, request_id: String) -> Self {
        Self {
            bare,
            status: 500,
            title: "Something broke on our side".to_owned(),
            text: "Nothing was changed. Try again; if it happens again, give the request id to whoever runs this server."
                .to_owned(),
            missing_permission: None,
            request_id,
        }
    }
}
