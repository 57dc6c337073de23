//! Links about one's own account: kept by the hash of their token, one of each kind for a person, taken once.

use domain::accounts::{AccountLink, LinkKind, Voucher};
use domain::api_keys::KeyHash;
use domain::ids::{OrganizationId, UserId};
use domain::time::Timestamp;

use crate::dialect::Row;
use crate::error::Result;
use crate::{Change, Store, args};

impl Store {
    /// The link of a token that works at a moment. Whoever holds the token may see it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn account_link(
        &self,
        kind: LinkKind,
        token: &KeyHash,
        at: Timestamp,
    ) -> Result<Option<AccountLink>> {
        let sql = "select * from account_links where kind = $1 and token_hash = $2 and expires_at > $3";
        let row = self.row(sql, args![kind.name(), token.bytes().to_vec(), at]).await?;
        row.as_ref().map(link_of).transpose()
    }

    /// The change of address that a person asked for and did not confirm yet.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn asked_email_change(&self, user: UserId, at: Timestamp) -> Result<Option<AccountLink>> {
        let sql =
            "select * from account_links where user_id = $1 and kind = 'email_change' and expires_at > $2";
        self.row(sql, args![user, at]).await?.as_ref().map(link_of).transpose()
    }

    /// The new addresses that members of the grant's organization asked for and did not confirm yet.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn asked_email_changes(
        &self,
        grant: &domain::access::Grant,
        at: Timestamp,
    ) -> Result<Vec<AccountLink>> {
        let sql = "select l.* from account_links l join members m on m.user_id = l.user_id \
                   where m.organization_id = $1 and l.kind = 'email_change' and l.expires_at > $2 \
                   order by l.user_id limit 500";
        let rows = self.rows(sql, args![grant.organization_id(), at]).await?;
        rows.iter().map(link_of).collect()
    }
}

impl Change {
    /// Keeps a link, in place of the one of its kind that the person had. Without a token it waits for one.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn put_account_link(&mut self, link: &AccountLink, token: Option<&KeyHash>) -> Result<()> {
        self.run("delete from account_links where expires_at <= $1", args![self.at()]).await?;
        let sql = "insert into account_links (user_id, kind, token_hash, email, organization_id, vouched_by, \
                   created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8) \
                   on conflict (user_id, kind) do update set token_hash = excluded.token_hash, email = excluded.email, \
                   organization_id = excluded.organization_id, vouched_by = excluded.vouched_by, \
                   created_at = excluded.created_at, expires_at = excluded.expires_at";
        let args = args![
            link.user_id,
            link.kind.name(),
            token.map(|token| token.bytes().to_vec()),
            &link.email,
            link.voucher.map(|voucher| voucher.organization_id),
            link.voucher.map(|voucher| voucher.user_id),
            link.created_at,
            link.expires_at,
        ];
        self.run(sql, args).await.map(drop)
    }

    /// The change of address that a person asked for and did not confirm yet.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn asked_email_change(&mut self, user: UserId) -> Result<Option<AccountLink>> {
        let sql =
            "select * from account_links where user_id = $1 and kind = 'email_change' and expires_at > $2";
        self.row(sql, args![user, self.at()]).await?.as_ref().map(link_of).transpose()
    }

    /// Uses a link up, where it works at this moment; nobody else can.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn take_account_link(
        &mut self,
        kind: LinkKind,
        token: &KeyHash,
    ) -> Result<Option<AccountLink>> {
        let sql =
            "delete from account_links where kind = $1 and token_hash = $2 and expires_at > $3 returning *";
        let row = self.row(sql, args![kind.name(), token.bytes().to_vec(), self.at()]).await?;
        row.as_ref().map(link_of).transpose()
    }

    /// Forgets every link about a person's account.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn drop_account_links(&mut self, user: UserId) -> Result<()> {
        self.run("delete from account_links where user_id = $1", args![user]).await.map(drop)
    }

    /// Every organization to which a person belongs, while suspended too, none of which they can leave or join until
    /// the change ends.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn memberships_of(&mut self, user: UserId) -> Result<Vec<OrganizationId>> {
        // Joining an organization takes this row too.
        self.row("select id from users where id = $1 for update", args![user]).await?;
        let sql = "select organization_id from members where user_id = $1 order by organization_id";
        let rows = self.rows(sql, args![user]).await?;
        rows.iter().map(|row| row.id("organization_id")).collect()
    }

    /// Writes a new password hash, whatever it was before.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn reset_password_hash(&mut self, user: UserId, hash: &str) -> Result<()> {
        self.run("update users set password_hash = $2 where id = $1", args![user, hash]).await.map(drop)
    }

    /// Writes a new address; whether the one before was still this.
    ///
    /// # Errors
    /// `already_exists` when the address has an account.
    pub async fn set_email(&mut self, user: UserId, (before, after): (&str, &str)) -> Result<bool> {
        let sql = "update users set email = $3 where id = $1 and email = $2";
        Ok(self.run(sql, args![user, before, after]).await? > 0)
    }
}

fn link_of(row: &Row) -> Result<AccountLink> {
    let (organization, user) = (row.opt_id("organization_id")?, row.opt_id("vouched_by")?);
    Ok(AccountLink {
        user_id: row.id("user_id")?,
        kind: row.word("kind", LinkKind::parse)?,
        email: row.text("email")?,
        voucher: organization
            .zip(user)
            .map(|(organization_id, user_id)| Voucher { organization_id, user_id }),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}
