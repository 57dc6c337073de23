//! Access reviews: campaigns, and the rights in them as they were when each opened.

use domain::access::{Grant, Permissions, RoleRef, role_title};
use domain::ids::{ProjectId, ReviewId, ReviewItemId, UserId};
use domain::members::User;
use domain::page::{Order, Page, PageRequest};
use domain::reviews::{Decided, Decision, Holder, Item, LastUses, Names, Proposal, Review, Right, Source};
use domain::time::Timestamp;

use crate::reached::cursor;
use crate::standings::id_or_none;
use crate::users::joined_user;
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "review";

/// How far a campaign is: numbers of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// All.
    pub items: i64,
    /// Those about which nothing is decided.
    pub undecided: i64,
    /// Those for which something smaller is proposed.
    pub proposed: i64,
    /// Those that were kept.
    pub kept: i64,
    /// Those that were reduced.
    pub reduced: i64,
}

/// A campaign with how far it is, and the people in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedReview {
    /// The campaign.
    pub review: Review,
    /// How far it is.
    pub progress: Progress,
    /// Who opened it.
    pub opener: Option<User>,
    /// Who closed it.
    pub closer: Option<User>,
}

/// A right in a campaign, with who decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The right.
    pub item: Item,
    /// Who decided; none while nobody has.
    pub decider: Option<User>,
}

/// Which rights of a campaign are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// Only those about which nothing is decided.
    pub undecided: bool,
    /// Only those for which something smaller is proposed.
    pub proposed: bool,
}

/// The rights that last of every member of an organization, as single rows, person by person.
const RIGHTS: &str = "select x.user_id, u.name as user_name, u.email as user_email, m.added_at as joined_at, x.source, x.role, \
     coalesce(r.name, '') as role_name, r.permissions, x.project_id, coalesce(p.name, '') as project_name, \
     x.group_id, coalesce(g.name, '') as group_name, x.given_by, x.given_at from (\
     select user_id, 'membership' as source, 'role-api-organization-' || role as role, '' as project_id, \
       '' as group_id, given_by, coalesce(given_at, added_at) as given_at from members where organization_id = $1 \
     union all select user_id, 'project_membership', 'role-api-project-' || role, project_id, '', given_by, \
       coalesce(given_at, added_at) from project_members where organization_id = $1 \
     union all select principal_id, 'assignment', role, project_id, '', given_by, given_at \
       from role_assignments where organization_id = $1 and ends_at is null \
     union all select gm.user_id, 'group', a.role, a.project_id, gm.group_id, gm.added_by, \
       case when gm.added_at > a.given_at then gm.added_at else a.given_at end \
       from group_members gm join role_assignments a \
       on a.organization_id = gm.organization_id and a.principal_id = gm.group_id \
       where gm.organization_id = $1 and a.ends_at is null) x \
     join members m on m.organization_id = $1 and m.user_id = x.user_id join users u on u.id = x.user_id \
     left join roles r on r.id = x.role left join projects p on p.id = x.project_id \
     left join groups g on g.id = x.group_id \
     where p.archived_at is null order by u.email, x.user_id, x.project_id, x.source, x.group_id, x.role";

/// The start of a statement that reads campaigns.
macro_rules! select_reviews {
    ($rest:literal) => {
        concat!(
            "select v.*, o.email as opener_email, o.name as opener_name, o.created_at as opener_created_at, \
             c.email as closer_email, c.name as closer_name, c.created_at as closer_created_at \
             from reviews v left join users o on o.id = v.opened_by left join users c on c.id = v.closed_by \
             where v.organization_id = $1 and ",
            $rest
        )
    };
}

const PROGRESS: &str = "select review_id, count(*) as items, \
     count(case when decision is null then 1 end) as undecided, \
     count(case when proposal in ('reduce', 'remove') then 1 end) as proposed, \
     count(case when decision = 'kept' then 1 end) as kept, \
     count(case when decision = 'reduced' then 1 end) as reduced \
     from review_items where review_id in list($1) group by review_id";

impl Store {
    /// One campaign of the grant's organization.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn review(&self, grant: &Grant, id: ReviewId) -> Result<OpenedReview> {
        let row = self.row(select_reviews!("v.id = $2"), args![grant.organization_id(), id]).await?;
        let mut opened = vec![row.as_ref().map_or(Err(Error::not_found(WHAT)), read_opened)?];
        self.add_progress(&mut opened).await?;
        opened.pop().ok_or(Error::not_found(WHAT))
    }

    /// The campaigns of the grant's organization.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn reviews(&self, grant: &Grant, page: &PageRequest) -> Result<Page<OpenedReview>> {
        let sql = match page.order {
            Order::Ascending => select_reviews!("v.id > $2 order by v.id limit $3"),
            Order::Descending => select_reviews!("v.id < $2 order by v.id desc limit $3"),
        };
        let rows = self.rows(sql, args![grant.organization_id(), cursor(page), page.limit + 1]).await?;
        let mut opened = rows.iter().map(read_opened).collect::<Result<Vec<_>>>()?;
        self.add_progress(&mut opened).await?;
        Ok(Page::from_read(opened, page.limit))
    }

    async fn add_progress(&self, opened: &mut [OpenedReview]) -> Result<()> {
        let ids: Vec<String> = opened.iter().map(|one| one.review.id.to_string()).collect();
        for row in self.rows(PROGRESS, args![ids]).await? {
            let id: ReviewId = row.id("review_id")?;
            let progress = read_progress(&row)?;
            opened.iter_mut().filter(|one| one.review.id == id).for_each(|one| one.progress = progress);
        }
        Ok(())
    }

    /// Rights of a campaign of the grant's organization, person by person.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn review_items(
        &self,
        grant: &Grant,
        review: ReviewId,
        filter: ItemFilter,
        page: &PageRequest,
    ) -> Result<Page<Reviewed>> {
        let sql = "select i.*, d.email as decider_email, d.name as decider_name, \
                   d.created_at as decider_created_at \
                   from review_items i left join users d on d.id = i.decided_by \
                   where i.organization_id = $1 and i.review_id = $2 and ($3 or i.decision is null) \
                   and ($4 or i.proposal in ('reduce', 'remove')) and ($5 = '' or i.id > $5) \
                   order by i.id limit $6";
        let after = page.after.clone().unwrap_or_default();
        let args = args![
            grant.organization_id(),
            review,
            !filter.undecided,
            !filter.proposed,
            after,
            page.limit + 1
        ];
        let rows = self.rows(sql, args).await?;
        Ok(Page::from_read(rows.iter().map(read_reviewed).collect::<Result<_>>()?, page.limit))
    }

    /// The projects in which each member of the grant's organization owns keys that could work, as single pairs.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn projects_of_own_keys(
        &self,
        grant: &Grant,
        at: Timestamp,
    ) -> Result<Vec<(UserId, ProjectId)>> {
        let sql = "select distinct owner_user_id, project_id from api_keys where organization_id = $1 \
                   and owner_user_id is not null and owner_service_account_id is null \
                   and project_id is not null and revoked_at is null \
                   and (expires_at is null or expires_at > $2)";
        let rows = self.rows(sql, args![grant.organization_id(), at]).await?;
        rows.iter().map(|row| Ok((row.id("owner_user_id")?, row.id("project_id")?))).collect()
    }

    /// The rights that last of every member of the grant's organization, person by person, as they are in this moment.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn rights_of_everybody(&self, grant: &Grant) -> Result<Vec<(Holder, Right, Names)>> {
        let rows = self.rows(RIGHTS, args![grant.organization_id()]).await?;
        rows.iter().map(|row| Ok((read_holder(row)?, read_right(row)?, read_names(row)?))).collect()
    }
}

impl Change {
    /// Adds a campaign with its rights.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_review(&mut self, review: &Review, items: &[Item]) -> Result<()> {
        self.run(
            "insert into reviews (id, organization_id, name, opened_by, opened_at, due_at) \
             values ($1, $2, $3, $4, $5, $6)",
            args![
                review.id,
                review.organization_id,
                &review.name,
                review.opened_by,
                review.opened_at,
                review.due_at
            ],
        )
        .await?;
        for item in items {
            self.insert_item(review, item).await?;
        }
        Ok(())
    }

    async fn insert_item(&mut self, review: &Review, item: &Item) -> Result<()> {
        let Item { holder, right, names, .. } = item;
        let text =
            |value: serde_json::Result<String>| value.map_err(|error| Error::Corrupt(error.to_string()));
        let proposed_role = match item.proposal {
            Proposal::Reduce(role) => Some(role.to_string()),
            _ => None,
        };
        self.run(
            "insert into review_items (id, review_id, organization_id, user_id, user_name, user_email, joined_at, \
             source, role, role_name, permissions, project_id, project_name, group_id, group_name, given_by, \
             given_at, uses, proposal, proposed_role, note) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
             $12, $13, $14, $15, $16, $17, $18, $19, $20, '')",
            args![
                item.id,
                review.id,
                review.organization_id,
                holder.user_id,
                &holder.name,
                &holder.email,
                holder.joined_at,
                right.source.name(),
                right.role.to_string(),
                &names.role,
                text(serde_json::to_string(&right.permissions))?,
                right.project_id,
                &names.project,
                right.group_id,
                &names.group,
                right.given_by,
                right.given_at,
                text(serde_json::to_string(&item.uses))?,
                item.proposal.name(),
                proposed_role,
            ],
        )
        .await
        .map(drop)
    }

    /// A campaign of the grant's organization, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn lock_review(&mut self, grant: &Grant, id: ReviewId) -> Result<Review> {
        let sql = "select * from reviews where organization_id = $1 and id = $2 for update";
        let row = self.row(sql, args![grant.organization_id(), id]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read_review)
    }

    /// One right of a campaign of the grant's organization, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn lock_review_item(
        &mut self,
        grant: &Grant,
        review: ReviewId,
        id: ReviewItemId,
    ) -> Result<Item> {
        let sql = "select * from review_items where organization_id = $1 and review_id = $2 and id = $3 \
                   for update";
        let row = self.row(sql, args![grant.organization_id(), review, id]).await?;
        row.as_ref().map_or(Err(Error::not_found("review item")), read_item)
    }

    /// Writes what was decided about a right.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_decision(&mut self, id: ReviewItemId, decided: &Decided) -> Result<()> {
        let sql = "update review_items set decision = $2, decided_role = $3, note = $4, decided_by = $5, \
                   decided_at = $6 where id = $1";
        let role = decided.role.map(|role| role.to_string());
        let args = args![id, decided.decision.name(), role, &decided.note, decided.by, decided.at];
        self.run(sql, args).await.map(drop)
    }

    /// Closes a campaign.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn close_review(&mut self, id: ReviewId, by: Option<UserId>) -> Result<()> {
        let sql = "update reviews set closed_by = $2, closed_at = $3 where id = $1";
        self.run(sql, args![id, by, self.at()]).await.map(drop)
    }
}

fn read_review(row: &Row) -> Result<Review> {
    Ok(Review {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        name: row.text("name")?,
        opened_by: row.opt_id("opened_by")?,
        opened_at: row.time("opened_at")?,
        due_at: row.opt_time("due_at")?,
        closed_by: row.opt_id("closed_by")?,
        closed_at: row.opt_time("closed_at")?,
    })
}

fn read_progress(row: &Row) -> Result<Progress> {
    Ok(Progress {
        items: row.int("items")?,
        undecided: row.int("undecided")?,
        proposed: row.int("proposed")?,
        kept: row.int("kept")?,
        reduced: row.int("reduced")?,
    })
}

fn read_opened(row: &Row) -> Result<OpenedReview> {
    let review = read_review(row)?;
    Ok(OpenedReview {
        opener: joined_user(row, "opener", review.opened_by)?,
        closer: joined_user(row, "closer", review.closed_by)?,
        progress: Progress::default(),
        review,
    })
}

fn read_holder(row: &Row) -> Result<Holder> {
    Ok(Holder {
        user_id: row.id("user_id")?,
        name: row.text("user_name")?,
        email: row.text("user_email")?,
        joined_at: row.time("joined_at")?,
    })
}

/// A right as it is, whose role may be built in, or as a campaign keeps it.
fn read_right(row: &Row) -> Result<Right> {
    let role: RoleRef = row.id("role")?;
    let permissions = match row.opt_text("permissions")? {
        Some(_) => row.json::<Permissions>("permissions")?,
        None => role.built_in_permissions().unwrap_or_default(),
    };
    let is_none = |column: &str| Ok::<_, Error>(row.opt_text(column)?.is_none_or(|text| text.is_empty()));
    Ok(Right {
        source: row.word("source", Source::parse)?,
        role,
        permissions,
        project_id: if is_none("project_id")? { None } else { id_or_none(row, "project_id")? },
        group_id: if is_none("group_id")? { None } else { id_or_none(row, "group_id")? },
        given_by: row.opt_id("given_by")?,
        given_at: row.time("given_at")?,
    })
}

fn read_names(row: &Row) -> Result<Names> {
    let role: RoleRef = row.id("role")?;
    let own = row.text("role_name")?;
    Ok(Names {
        role: if own.is_empty() { role_title(role).to_owned() } else { own },
        project: row.text("project_name")?,
        group: row.text("group_name")?,
    })
}

fn read_item(row: &Row) -> Result<Item> {
    let role = row.opt_id::<RoleRef>("proposed_role")?;
    let decided = match row.opt_text("decision")? {
        None => None,
        Some(_) => Some(Decided {
            decision: row.word("decision", Decision::parse)?,
            role: row.opt_id("decided_role")?,
            note: row.text("note")?,
            by: row.id("decided_by")?,
            at: row.time("decided_at")?,
        }),
    };
    Ok(Item {
        id: row.id("id")?,
        review_id: row.id("review_id")?,
        holder: read_holder(row)?,
        right: read_right(row)?,
        names: read_names(row)?,
        uses: row.json::<LastUses>("uses")?,
        proposal: row.word("proposal", |word| Proposal::parse(word, role))?,
        decided,
    })
}

fn read_reviewed(row: &Row) -> Result<Reviewed> {
    let item = read_item(row)?;
    let decider = joined_user(row, "decider", item.decided.as_ref().map(|decided| decided.by))?;
    Ok(Reviewed { item, decider })
}
