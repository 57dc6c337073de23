//! A set of rights at a glance: a few words for a list, in place of dozens of names.

use super::permission::{Level, Permission};
use super::permissions::Permissions;

/// What is spoken of, and the permissions to change it and to see it.
type Topic = (&'static str, Option<Permission>, Option<Permission>);

const ORGANIZATION: &[Topic] = {
    use Permission as P;
    &[
        ("the organization", Some(P::OrganizationUpdate), Some(P::OrganizationRead)),
        ("its state", Some(P::OrganizationSuspend), None),
        ("members", Some(P::MemberManage), Some(P::MemberRead)),
        ("invitations", Some(P::InviteManage), Some(P::InviteRead)),
        ("roles", Some(P::RoleManage), Some(P::RoleRead)),
        ("groups", Some(P::GroupManage), Some(P::GroupRead)),
        ("reviews", Some(P::ReviewManage), Some(P::ReviewRead)),
        ("approvals", Some(P::ApprovalDecide), Some(P::ApprovalRead)),
        ("admin keys", Some(P::AdminKeyManage), Some(P::AdminKeyRead)),
        ("providers", Some(P::ProviderManage), Some(P::ProviderRead)),
        ("prices", Some(P::PriceManage), Some(P::PriceRead)),
        ("policy", Some(P::PolicyManage), Some(P::PolicyRead)),
        ("webhooks", Some(P::WebhookManage), Some(P::WebhookRead)),
        ("new projects", Some(P::ProjectCreate), None),
        ("all limits", Some(P::AllowanceManage), None),
        ("anyone's access", None, Some(P::AccessRead)),
        ("mails", None, Some(P::MailRead)),
        ("the audit trail", None, Some(P::AuditRead)),
    ]
};

const PROJECT: &[Topic] = {
    use Permission as P;
    &[
        ("the project", Some(P::ProjectUpdate), Some(P::ProjectRead)),
        ("archiving", Some(P::ProjectArchive), None),
        ("people", Some(P::ProjectMemberManage), Some(P::ProjectMemberRead)),
        ("invitations", Some(P::ProjectInvite), Some(P::ProjectInviteRead)),
        ("roles", Some(P::ProjectRoleManage), None),
        ("service accounts", Some(P::ServiceAccountManage), Some(P::ServiceAccountRead)),
        ("keys", Some(P::ApiKeyManage), Some(P::ApiKeyRead)),
        ("own keys", Some(P::ApiKeyManageOwn), Some(P::ApiKeyReadOwn)),
        ("limits", Some(P::AllowanceManageKeys), Some(P::AllowanceRead)),
        ("policy", Some(P::ProjectPolicyManage), Some(P::ProjectPolicyRead)),
        ("hand-overs", Some(P::HandoverResolve), Some(P::HandoverRead)),
        ("usage", None, Some(P::UsageRead)),
        ("own usage", None, Some(P::UsageReadOwn)),
        ("cost", None, Some(P::CostRead)),
    ]
};

/// What the permissions of a level come to: `manages people and keys; sees usage and cost`.
pub fn glance(held: Permissions, level: Level) -> String {
    let of_level: Permissions = held.iter().filter(|permission| permission.level() == level).collect();
    let all: Permissions = Permission::ALL.iter().copied().filter(|one| one.level() == level).collect();
    if all.is_within(of_level) {
        return "manages everything".to_owned();
    }
    let topics = match level {
        Level::Organization => ORGANIZATION,
        Level::Project => PROJECT,
    };
    let has = |permission: &Option<Permission>| permission.is_some_and(|one| of_level.holds(one));
    // Who has all of a kind has one's own of it.
    let is_said = |permission: &Option<Permission>| {
        let wide = Permission::ALL.iter().find(|wide| wide.own().is_some() && wide.own() == *permission);
        has(permission) && !wide.is_some_and(|wide| of_level.holds(*wide))
    };
    let manages: Vec<&str> = topics.iter().filter(|topic| is_said(&topic.1)).map(|topic| topic.0).collect();
    let sees = topics.iter().filter(|topic| is_said(&topic.2) && !has(&topic.1));
    let sees: Vec<&str> = sees.map(|topic| topic.0).collect();
    let parts = [("manages", manages), ("sees", sees)];
    let parts = parts.iter().filter(|(_, nouns)| !nouns.is_empty());
    let parts: Vec<String> = parts.map(|(verb, nouns)| format!("{verb} {}", listed(nouns))).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OrganizationRole, ProjectRole};
    use super::*;

    #[test]
    fn built_in_roles_are_told_in_a_few_words() {
        let project = |role: ProjectRole| glance(role.permissions(), Level::Project);
        assert_eq!(
            project(ProjectRole::Owner),
            "manages the project, people, invitations, roles, service accounts, keys, limits, policy and \
             hand-overs; sees usage and cost"
        );
        assert_eq!(
            project(ProjectRole::Member),
            "manages own keys; sees the project, people, service accounts, policy and own usage"
        );
        assert_eq!(project(ProjectRole::Viewer), "sees the project, people, policy, usage and cost");
        let organization = |role: OrganizationRole, level| glance(role.permissions(), level);
        assert_eq!(organization(OrganizationRole::Admin, Level::Organization), "manages everything");
        assert_eq!(organization(OrganizationRole::Admin, Level::Project), "manages everything");
        assert_eq!(organization(OrganizationRole::Finance, Level::Project), "sees cost");
        assert_eq!(organization(OrganizationRole::Member, Level::Organization), "sees the organization");
        assert_eq!(glance(Permissions::NONE, Level::Project), "nothing");
    }

    #[test]
    fn every_permission_is_part_of_a_topic() {
        let told = |permission: Permission| {
            let mut topics = ORGANIZATION.iter().chain(PROJECT);
            topics.any(|topic| topic.1 == Some(permission) || topic.2 == Some(permission))
        };
        for permission in Permission::ALL.iter().copied() {
            // Asking is no right over anything.
            let asks = matches!(permission, Permission::ElevationRequest | Permission::ApprovalRequest);
            assert!(told(permission) || asks, "{permission}");
        }
    }
}
