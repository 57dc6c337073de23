//! Every permission there is, with the sentence that explains it.

use std::fmt;

/// Where a permission can be held and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Needs an organization role.
    Organization,
    /// Given by a role in one project, or by an organization role for all projects.
    Project,
}

macro_rules! permissions {
    ($($variant:ident = $name:literal, $level:ident, $sentence:literal;)*) => {
        /// One thing that somebody may do. The name is `noun.verb`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $(#[doc = $sentence] $variant,)*
        }

        impl Permission {
            /// Every permission, in the order of the printed matrix.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it allows, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// Where it is held.
            pub const fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }
        }
    };
}

permissions! {
    OrganizationRead = "organization.read", Organization, "See the organization's name and settings.";
    OrganizationUpdate = "organization.update", Organization, "Change the organization's name and settings.";
    OrganizationSuspend = "organization.suspend", Organization, "Suspend, reactivate, export and close the organization.";
    MemberRead = "member.read", Organization, "See who is a member of the organization.";
    MemberManage = "member.manage", Organization, "Change members' roles, suspend, reactivate and remove members.";
    InviteRead = "invite.read", Organization, "See invitations.";
    InviteManage = "invite.manage", Organization, "Invite people to the organization and revoke invitations.";
    RoleRead = "role.read", Organization, "See custom roles and who has which role.";
    RoleManage = "role.manage", Organization, "Make custom roles of the organization and give roles to members and groups.";
    GroupRead = "group.read", Organization, "See groups and who is in them.";
    GroupManage = "group.manage", Organization, "Make groups, and add and remove people of groups.";
    AccessRead = "access.read", Organization, "Ask what anyone may do, and why.";
    ReviewRead = "review.read", Organization, "See access reviews.";
    ReviewManage = "review.manage", Organization, "Open access reviews and decide what to keep.";
    ApprovalRead = "approval.read", Organization, "See every request that waits for a second person.";
    ApprovalDecide = "approval.decide", Organization, "Approve or refuse what somebody else asked for.";
    ElevationRequest = "elevation.request", Organization, "Ask for the Admin role for a stated time and reason.";
    ApprovalRequest = "approval.request", Organization, "Ask for what needs a second person: a project, more of an allowance, a change.";
    AdminKeyRead = "admin_key.read", Organization, "See admin keys (never their secrets).";
    AdminKeyManage = "admin_key.manage", Organization, "Create and revoke admin keys.";
    ProviderRead = "provider.read", Organization, "See provider connections (never their credentials).";
    ProviderManage = "provider.manage", Organization, "Attach, change and remove provider connections.";
    PriceRead = "price.read", Organization, "See the prices that apply.";
    PriceManage = "price.manage", Organization, "Override prices for the organization.";
    PolicyRead = "policy.read", Organization, "See every setting of the organization's policy.";
    PolicyManage = "policy.manage", Organization, "Set the organization's policy, and give exceptions.";
    WebhookRead = "webhook.read", Organization, "See webhooks and what was sent (never their secrets).";
    WebhookManage = "webhook.manage", Organization, "Make, change, test and remove webhooks, and send events again.";
    MailRead = "mail.read", Organization, "See which mails were sent to whom, and what became of them.";
    AuditRead = "audit.read", Organization, "Read the audit trail.";
    ProjectCreate = "project.create", Organization, "Create projects, and name their owners.";
    AllowanceManage = "allowance.manage", Organization, "Set any allowance of the organization.";
    ProjectRead = "project.read", Project, "See a project and its settings.";
    ProjectUpdate = "project.update", Project, "Change a project's settings and labels.";
    ProjectArchive = "project.archive", Project, "Archive a project, which stops its keys, and restore it.";
    ProjectPolicyRead = "project_policy.read", Project, "See which policy holds in a project, and who set it.";
    ProjectPolicyManage = "project_policy.manage", Project, "Narrow the policy of a project and of its keys.";
    ProjectMemberRead = "project_member.read", Project, "See who works in a project and who can see it.";
    ProjectMemberManage = "project_member.manage", Project, "Add, change and remove people and groups of a project.";
    ProjectInviteRead = "project_invite.read", Project, "See the invitations into a project.";
    ProjectInvite = "project.invite", Project, "Invite new people into a project, where the organization lets Project Owners.";
    ProjectRoleManage = "project_role.manage", Project, "Make custom roles of a project.";
    ServiceAccountRead = "service_account.read", Project, "See a project's service accounts.";
    ServiceAccountManage = "service_account.manage", Project, "Create, change and remove a project's service accounts.";
    ApiKeyRead = "api_key.read", Project, "See all keys of a project (never their secrets).";
    ApiKeyReadOwn = "api_key.read_own", Project, "See the keys of a project that one owns.";
    ApiKeyManage = "api_key.manage", Project, "Create, change, disable and revoke any key of a project.";
    ApiKeyManageOwn = "api_key.manage_own", Project, "Create keys of one's own in a project, change, disable and revoke them.";
    HandoverRead = "handover.read", Project, "See what of a project lost its owner.";
    HandoverResolve = "handover.resolve", Project, "Give what lost its owner to somebody else, or end it.";
    AllowanceRead = "allowance.read", Project, "See the allowances that bind a project and what is left of them.";
    AllowanceManageKeys = "allowance.manage_keys", Project, "Set allowances on the keys of a project.";
    UsageRead = "usage.read", Project, "See a project's usage down to its keys and single records.";
    UsageReadOwn = "usage.read_own", Project, "See the usage of the keys of a project that one owns.";
    CostRead = "cost.read", Project, "See what a project cost, by model and label.";
}

impl Permission {
    /// The permission of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.name() == name)
    }

    /// The narrower permission that covers only what one owns, where there is one.
    pub const fn own(self) -> Option<Self> {
        match self {
            Self::ApiKeyRead => Some(Self::ApiKeyReadOwn),
            Self::ApiKeyManage => Some(Self::ApiKeyManageOwn),
            Self::UsageRead => Some(Self::UsageReadOwn),
            _ => None,
        }
    }

    /// Whether it only looks.
    pub const fn is_read(self) -> bool {
        matches!(
            self,
            Self::OrganizationRead
                | Self::MemberRead
                | Self::InviteRead
                | Self::RoleRead
                | Self::GroupRead
                | Self::AccessRead
                | Self::ReviewRead
                | Self::ApprovalRead
                | Self::AdminKeyRead
                | Self::ProviderRead
                | Self::PriceRead
                | Self::PolicyRead
                | Self::WebhookRead
                | Self::MailRead
                | Self::AuditRead
                | Self::ProjectRead
                | Self::ProjectPolicyRead
                | Self::ProjectMemberRead
                | Self::ProjectInviteRead
                | Self::ServiceAccountRead
                | Self::ApiKeyRead
                | Self::ApiKeyReadOwn
                | Self::HandoverRead
                | Self::AllowanceRead
                | Self::UsageRead
                | Self::UsageReadOwn
                | Self::CostRead
        )
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
