//! Groups and who is in them.

use domain::access::Grant;
use domain::groups::{Group, GroupMember};
use domain::ids::{GroupId, UserId};
use domain::members::User;
use domain::page::{Order, Page, PageRequest};

use crate::reached::cursor;
use crate::users::user_of;
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "group";

/// The start of a statement that reads groups.
macro_rules! select_groups {
    () => {
        "select g.id, g.organization_id, g.name, g.created_by, g.created_at, \
         (select count(*) from group_members gm where gm.group_id = g.id) as people from groups g "
    };
}
pub(crate) use select_groups;

impl Store {
    /// One group of the grant's organization.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn group(&self, grant: &Grant, id: GroupId) -> Result<Group> {
        let sql = concat!(select_groups!(), "where g.id = $1 and g.organization_id = $2");
        let row = self.row(sql, args![id, grant.organization_id()]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), group_of)
    }

    /// The group of a name in the grant's organization.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn group_of_name(&self, grant: &Grant, name: &str) -> Result<Group> {
        let sql = concat!(select_groups!(), "where g.organization_id = $1 and g.name = $2");
        let row = self.row(sql, args![grant.organization_id(), name]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), group_of)
    }

    /// A page of the groups of the grant's organization, by id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn groups(&self, grant: &Grant, page: &PageRequest) -> Result<Page<Group>> {
        let sql = match page.order {
            Order::Ascending => {
                concat!(select_groups!(), "where g.organization_id = $1 and g.id > $2 order by g.id limit $3")
            }
            Order::Descending => concat!(
                select_groups!(),
                "where g.organization_id = $1 and g.id < $2 order by g.id desc limit $3"
            ),
        };
        let rows = self.rows(sql, args![grant.organization_id(), cursor(page), page.limit + 1]).await?;
        Ok(Page::from_read(rows.iter().map(group_of).collect::<Result<_>>()?, page.limit))
    }

    /// Somebody in a group of the grant's organization.
    ///
    /// # Errors
    /// `NotFound` when they are not in it.
    pub async fn group_member(&self, grant: &Grant, group: GroupId, user: UserId) -> Result<GroupMember> {
        let sql = "select u.id, u.email, u.name, u.created_at, gm.added_at \
                   from group_members gm join users u on u.id = gm.user_id \
                   where gm.organization_id = $1 and gm.group_id = $2 and gm.user_id = $3";
        let row = self.row(sql, args![grant.organization_id(), group, user]).await?;
        row.as_ref().map_or(Err(Error::not_found("group user")), group_member_of)
    }

    /// A page of who is in a group of the grant's organization, by their ids.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn group_members(
        &self,
        grant: &Grant,
        group: GroupId,
        page: &PageRequest,
    ) -> Result<Page<GroupMember>> {
        let sql = match page.order {
            Order::Ascending => {
                "select u.id, u.email, u.name, u.created_at, gm.added_at \
                 from group_members gm join users u on u.id = gm.user_id \
                 where gm.organization_id = $1 and gm.group_id = $2 and gm.user_id > $3 \
                 order by gm.user_id limit $4"
            }
            Order::Descending => {
                "select u.id, u.email, u.name, u.created_at, gm.added_at \
                 from group_members gm join users u on u.id = gm.user_id \
                 where gm.organization_id = $1 and gm.group_id = $2 and gm.user_id < $3 \
                 order by gm.user_id desc limit $4"
            }
        };
        let args = args![grant.organization_id(), group, cursor(page), page.limit + 1];
        let rows = self.rows(sql, args).await?;
        Ok(Page::from_read(rows.iter().map(group_member_of).collect::<Result<_>>()?, page.limit))
    }
}

impl Change {
    /// One group of the grant's organization, locked until the change ends: nobody comes, goes or is given a role
    /// through it meanwhile.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn lock_group(&mut self, grant: &Grant, id: GroupId) -> Result<Group> {
        let sql = concat!(select_groups!(), "where g.id = $1 and g.organization_id = $2 for update");
        let row = self.row(sql, args![id, grant.organization_id()]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), group_of)
    }

    /// Adds a group.
    ///
    /// # Errors
    /// Conflict `group_name_taken`.
    pub async fn insert_group(&mut self, group: &Group) -> Result<()> {
        let sql = "insert into groups (id, organization_id, name, created_by, created_at) \
                   values ($1, $2, $3, $4, $5)";
        let args = args![group.id, group.organization_id, &group.name, group.created_by, group.created_at];
        self.run(sql, args).await.map_err(name_taken).map(drop)
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// Conflict `group_name_taken`.
    pub async fn rename_group(&mut self, id: GroupId, name: &str) -> Result<()> {
        let sql = "update groups set name = $2 where id = $1";
        self.run(sql, args![id, name]).await.map_err(name_taken).map(drop)
    }

    /// Removes a group; whoever was in it loses what it gave.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn delete_group(&mut self, group: &Group) -> Result<()> {
        let here = || args![group.organization_id, group.id];
        self.run("delete from role_assignments where organization_id = $1 and principal_id = $2", here())
            .await?;
        self.run("delete from group_members where organization_id = $1 and group_id = $2", here()).await?;
        self.run("delete from groups where organization_id = $1 and id = $2", here()).await.map(drop)
    }

    /// Puts somebody into a group; whether they were not in it before.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_group_member(&mut self, grant: &Grant, group: &Group, user: UserId) -> Result<bool> {
        let sql = "insert into group_members (group_id, user_id, organization_id, added_by, added_at) \
                   values ($1, $2, $3, $4, $5) on conflict (group_id, user_id) do nothing";
        let added_by = grant.actor().map(|actor| actor.user_id);
        let args = args![group.id, user, group.organization_id, added_by, self.at()];
        Ok(self.run(sql, args).await? > 0)
    }

    /// Takes somebody out of a group; whether they were in it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn delete_group_member(&mut self, group: &Group, user: UserId) -> Result<bool> {
        let sql = "delete from group_members where group_id = $1 and user_id = $2";
        Ok(self.run(sql, args![group.id, user]).await? > 0)
    }
}

fn name_taken(error: Error) -> Error {
    if !error.is_conflict("already_exists") {
        return error;
    }
    let message = "There is a group of this name already. Choose another name.".to_owned();
    Error::Conflict { code: "group_name_taken", message }
}

/// The group in a row of `select_groups!`.
pub(crate) fn group_of(row: &Row) -> Result<Group> {
    Ok(Group {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        name: row.text("name")?,
        people: row.int("people")?,
        created_by: row.opt_id("created_by")?,
        created_at: row.time("created_at")?,
    })
}

fn group_member_of(row: &Row) -> Result<GroupMember> {
    let user: User = user_of(row)?;
    Ok(GroupMember { user, added_at: row.time("added_at")? })
}
