//! Access reviews: the list of campaigns, and one campaign with its rights.

use askama::Template;

use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Person, PickLink, Shell};

/// How far a campaign is, as a bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressBar {
    /// All rights.
    pub items: u64,
    /// Those that were kept.
    pub kept: u64,
    /// Those that were reduced.
    pub reduced: u64,
}

impl ProgressBar {
    /// Those about which nothing is decided.
    pub fn undecided(self) -> Count {
        Count(self.items.saturating_sub(self.kept + self.reduced))
    }

    /// Those that were kept.
    pub fn kept(self) -> Count {
        Count(self.kept)
    }

    /// Those that were reduced.
    pub fn reduced(self) -> Count {
        Count(self.reduced)
    }

    /// The width of the part that was kept: `12.5%`.
    pub fn kept_width(self) -> String {
        self.width(self.kept)
    }

    /// The width of the part that was reduced.
    pub fn reduced_width(self) -> String {
        self.width(self.reduced)
    }

    fn width(self, part: u64) -> String {
        let thousandths = part.saturating_mul(1_000).checked_div(self.items).unwrap_or_default();
        format!("{}.{}%", thousandths / 10, thousandths % 10)
    }

    /// Which part is decided, in whole percent, rounded down; all of nothing is.
    pub fn percent(self) -> u64 {
        (self.kept + self.reduced).saturating_mul(100).checked_div(self.items).unwrap_or(100)
    }
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRow {
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// Who opened it.
    pub opener: String,
    /// When.
    pub opened_at: When,
    /// By when it is to be done.
    pub due_at: Option<When>,
    /// Whether that has passed while it is open.
    pub is_overdue: bool,
    /// When it was closed.
    pub closed_at: Option<When>,
    /// Who closed it.
    pub closer: String,
    /// How far it is.
    pub progress: ProgressBar,
    /// For how many of its rights something smaller is proposed.
    pub proposed: Count,
}

/// Campaigns.
#[derive(Template)]
#[template(path = "reviews/list.html")]
pub struct ReviewsPage {
    /// The frame.
    pub shell: Shell,
    /// The campaigns.
    pub reviews: Vec<ReviewRow>,
    /// Where older ones are.
    pub next_href: Option<String>,
    /// Whether the viewer may open one.
    pub can_manage: bool,
    /// The name typed so far, or a good one.
    pub name: String,
    /// The date typed so far.
    pub due_on: String,
}

/// The last use of one permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseRow {
    /// The permission.
    pub permission: &'static str,
    /// The day; none when it never was.
    pub used_on: Option<When>,
}

/// What was decided about a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// What: `kept`, `now Member`, `taken away`.
    pub what: String,
    /// The colour of its badge.
    pub tone: &'static str,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: When,
    /// What they said.
    pub note: String,
}

/// One right of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    /// Its id.
    pub id: String,
    /// Whose.
    pub person: Person,
    /// The role.
    pub role: String,
    /// The project; empty for the organization.
    pub project: String,
    /// The group through which it is held; empty without one.
    pub group: String,
    /// When it was given.
    pub given_at: When,
    /// How many permissions were used.
    pub used: usize,
    /// How many it gives.
    pub given: usize,
    /// The last day of any use.
    pub last_used_on: Option<When>,
    /// Used permissions first, newest first, then those that never were.
    pub uses: Vec<UseRow>,
    /// What is proposed: `keep`, `make Member`, `take away`, `too new to tell`.
    pub proposal: String,
    /// The colour of its badge.
    pub tone: &'static str,
    /// What it can be reduced to, what is proposed selected.
    pub smaller: Vec<Choice>,
    /// What was decided.
    pub decided: Option<DecisionRow>,
    /// Whether it is the viewer's own.
    pub is_own: bool,
}

/// One campaign.
#[derive(Template)]
#[template(path = "reviews/show.html")]
pub struct ReviewPage {
    /// The frame.
    pub shell: Shell,
    /// The campaign.
    pub review: ReviewRow,
    /// What can be shown.
    pub shows: Vec<PickLink>,
    /// The rights.
    pub items: Vec<ItemRow>,
    /// Where further ones are.
    pub next_href: Option<String>,
    /// Where all of them are on one page, if these are a part of them.
    pub whole_href: Option<String>,
    /// Whether the viewer may decide and close.
    pub can_manage: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_never_pass_their_end_and_an_empty_review_is_done() {
        let bar = ProgressBar { items: 3, kept: 1, reduced: 1 };
        assert_eq!((bar.width(1), bar.percent(), bar.undecided()), ("33.3%".to_owned(), 66, Count(1)));
        let empty = ProgressBar::default();
        assert_eq!((empty.width(0), empty.percent()), ("0.0%".to_owned(), 100));
        let whole = ProgressBar { items: 7, kept: 7, reduced: 0 };
        assert_eq!((whole.width(7), whole.percent()), ("100.0%".to_owned(), 100));
    }
}
