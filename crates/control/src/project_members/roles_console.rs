//! The console's rows of roles in a project: of its people beside their first one, of groups, and by invitation.

use domain::Error;
use domain::access::{Assignment, Permission, Principal, ProjectRole, Role, RoleRef};
use domain::audit::Verb;
use domain::groups::ProjectGroup;
use domain::ids::{GroupId, InviteId, ProjectId, UserId};
use domain::invites::{Invite, InviteStatus};
use domain::members::ProjectMember;
use domain::organizations::Feature;
use domain::page::{Order, PageRequest};
use domain::policy::{Mode, Setting};
use domain::projects::Project;
use domain::routes::{Access, Method};
use domain::time::TimeZone;
use store::RolesOf;

use super::console::{back, members_page_with, role_of, roles};
use crate::groups::project_groups::{list_project_groups, remove_project_group};
use crate::http::console;
use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Person};
use crate::invites::project_invites::{create_project_invite, list_project_invites, revoke_project_invite};
use crate::members::pages::{InviteRow, InviteState};
use crate::projects::detail_pages::{
    ProjectGroupRow, ProjectGroups, ProjectHead, ProjectInvites, ProjectMemberRow,
};
use crate::projects::frame::{granted, granted_here, may_here, project_root};
use crate::roles::console::offered_roles;
use crate::roles::pages::HeldRole;
use crate::roles::{RoleNames, give_role, project_role_of, take_role};
use crate::{Answer, Call, Endpoint, Failure, page, policy};

/// How many further roles, groups and invitations the page shows.
const ON_A_PAGE: i64 = 500;
/// How many roles of one group are named.
const ROLES_OF_A_GROUP: i64 = 20;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let form =
        |path, operation, summary, verb: Verb| page(Method::Post, path, operation, summary).audited(verb);
    let manages = Access::Project(Permission::ProjectMemberManage);
    let invites = Access::Project(Permission::ProjectInvite);
    vec![
        form(
            "/o/{slug}/projects/{project_id}/members/{user_id}/roles",
            "give_project_user_role_form",
            "Give somebody another role in a project.",
            Verb::RoleAssigned,
        )
        .needs(manages)
        .to(give),
        form(
            "/o/{slug}/projects/{project_id}/members/{user_id}/roles/{role_id}/take",
            "take_project_user_role_form",
            "Take a role in a project from somebody.",
            Verb::RoleUnassigned,
        )
        .needs(manages)
        .to(take),
        form(
            "/o/{slug}/projects/{project_id}/groups",
            "add_project_group_form",
            "Give a group a role in a project.",
            Verb::RoleAssigned,
        )
        .needs(manages)
        .part_of(Feature::Groups)
        .to(add_group),
        form(
            "/o/{slug}/projects/{project_id}/groups/{group_id}/remove",
            "remove_project_group_form",
            "Take a group out of a project.",
            Verb::RoleUnassigned,
        )
        .needs(manages)
        .to(remove_group),
        form(
            "/o/{slug}/projects/{project_id}/invites",
            "create_project_invite_form",
            "Invite somebody new into a project.",
            Verb::InviteSent,
        )
        .needs(invites)
        .to(invite),
        form(
            "/o/{slug}/projects/{project_id}/invites/{invite_id}/revoke",
            "revoke_project_invite_form",
            "Revoke an invitation into a project.",
            Verb::InviteRevoked,
        )
        .needs(invites)
        .to(revoke),
    ]
}

/// The people of the project, and after them those who have other roles alone.
pub(super) async fn people_rows(
    call: &Call,
    project: &Project,
    members: &[ProjectMember],
    zone: &TimeZone,
) -> Result<Vec<ProjectMemberRow>, Failure> {
    let Some(grant) = granted_here(call, Permission::ProjectMemberRead) else { return Ok(Vec::new()) };
    let further = call.control.store.further_project_roles(&grant, project.id, call.at, ON_A_PAGE).await?;
    let given: Vec<Assignment> =
        further.iter().map(|(_, role)| Assignment::built_in(*role, Some(project.id))).collect();
    let names = RoleNames::of(call, &given.iter().collect::<Vec<_>>()).await?;
    let offered = offered(call, project.id).await?;
    let row = |id: UserId, person: Person, role: Option<ProjectRole>, added_at: Option<When>| {
        let theirs: Vec<RoleRef> =
            further.iter().filter(|(user, _)| user.id == id).map(|(_, role)| *role).collect();
        let is_new = |choice: &&Choice| {
            theirs
                .iter()
                .copied()
                .chain(role.map(RoleRef::Project))
                .all(|one| one.to_string() != choice.value)
        };
        let held = |one: &RoleRef| HeldRole {
            role: names.role(*one),
            through: None,
            ends_at: None,
            take_action: Some(format!("{}/members/{id}/roles/{one}/take", project_root(call))),
        };
        ProjectMemberRow {
            user_id: id.to_string(),
            roles: roles(role.map_or("", ProjectRole::name)),
            role: role.map_or("", ProjectRole::title).to_owned(),
            further: theirs.iter().map(held).collect(),
            offered: offered.iter().filter(is_new).cloned().collect(),
            is_accountable: project.accountable_owner_id == Some(id),
            person,
            added_at,
        }
    };
    let mut rows: Vec<ProjectMemberRow> = members
        .iter()
        .map(|member| {
            let person = Person { name: member.user.name.clone(), email: member.user.email.clone() };
            row(member.user.id, person, Some(member.role), Some(When::day(member.added_at, zone)))
        })
        .collect();
    for (user, _) in &further {
        if rows.iter().all(|row| row.user_id != user.id.to_string()) {
            let person = Person { name: user.name.clone(), email: user.email.clone() };
            rows.push(row(user.id, person, None, None));
        }
    }
    Ok(rows)
}

/// The roles of the project that the viewer may give.
async fn offered(call: &Call, project: ProjectId) -> Result<Vec<Choice>, Failure> {
    let Some(grant) = granted_here(call, Permission::ProjectMemberManage) else { return Ok(Vec::new()) };
    let roles = offered_roles(call, &grant, Some(project)).await?;
    let pair = |role: &Role| (role.reference().to_string(), role.name().to_owned());
    let pairs: Vec<(String, String)> = roles.iter().map(pair).collect();
    Ok(Choice::list(&pairs, &RoleRef::Project(ProjectRole::Member).to_string()))
}

/// The groups of the page.
pub(super) async fn groups(
    call: &Call,
    project: ProjectId,
    (head, root): (&ProjectHead, &str),
    zone: &TimeZone,
) -> Result<ProjectGroups, Failure> {
    let Some(grant) = granted_here(call, Permission::ProjectMemberRead) else {
        return Ok(ProjectGroups::default());
    };
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let found = list_project_groups(&call.control, &grant, project, &request).await?.items;
    let seen = granted(call, Permission::GroupRead);
    let mut rows = Vec::new();
    for ProjectGroup { group, added_at, .. } in found {
        let of = RolesOf { principal: Principal::Group(group.id), project_id: Some(project), at: call.at };
        let page = PageRequest::first(ROLES_OF_A_GROUP, Order::Ascending);
        let given = call.control.store.roles_given(&grant, of, &page).await?.items;
        let held = given.iter().map(|one| HeldRole {
            role: one.role.name().to_owned(),
            through: None,
            ends_at: one.sources.first().and_then(|source| source.ends_at).map(|at| When::minute(at, zone)),
            take_action: None,
        });
        rows.push(ProjectGroupRow {
            roles: held.collect(),
            href: seen.is_some().then(|| format!("{root}/groups/{}", group.id)),
            people: Count(u64::try_from(group.people).unwrap_or_default()),
            added_at: When::day(added_at, zone),
            id: group.id.to_string(),
            name: group.name,
        });
    }
    let candidates = match &seen {
        Some(grant) => call.control.store.groups(grant, &request).await?.items,
        None => Vec::new(),
    };
    let is_on = call
        .actor()?
        .standing
        .as_ref()
        .is_some_and(|standing| standing.allows_feature(Feature::Groups).is_ok());
    let can_add = is_on && !head.is_archived && may_here(call, Permission::ProjectMemberManage);
    Ok(ProjectGroups {
        // Where there is no group at all, there is nothing to choose and nothing to type.
        can_add: can_add && (seen.is_none() || !candidates.is_empty()),
        candidates: candidates
            .into_iter()
            .map(|group| Choice { value: group.id.to_string(), label: group.name, is_selected: false })
            .collect(),
        roles: offered(call, project).await?,
        rows,
    })
}

/// The invitations of the page.
pub(super) async fn invites(
    call: &Call,
    project: ProjectId,
    (head, everyone): (&ProjectHead, &[(String, Person)]),
    zone: &TimeZone,
) -> Result<ProjectInvites, Failure> {
    let Some(grant) = granted_here(call, Permission::ProjectInviteRead) else {
        return Ok(ProjectInvites::default());
    };
    let request = PageRequest::first(ON_A_PAGE, Order::Descending);
    let found = list_project_invites(&call.control, &grant, project, &request).await?.items;
    let row = |invite: Invite| {
        let state = match invite.status(call.at) {
            InviteStatus::Accepted => return None,
            InviteStatus::Pending => InviteState::Pending,
            InviteStatus::Expired => InviteState::Expired,
        };
        let inviter = invite.invited_by.to_string();
        let inviter = everyone.iter().find(|(id, _)| *id == inviter).map(|(_, person)| person.name.clone());
        let role = invite.projects.first().map_or("", |(_, role)| role.title());
        Some(InviteRow {
            id: invite.id.to_string(),
            role: role.to_owned(),
            projects: Vec::new(),
            invited_by: inviter.unwrap_or_default(),
            state,
            expires_at: When::day(invite.expires_at, zone),
            email: invite.email,
        })
    };
    let says = policy::in_organization(&call.control, &grant, Setting::Invitations).await?;
    let may_invite = may_here(call, Permission::ProjectInvite);
    let is_let =
        says.judge_owners_invitation() != Mode::Enforce || granted(call, Permission::InviteManage).is_some();
    Ok(ProjectInvites {
        rows: found.into_iter().filter_map(row).collect(),
        is_mailed: call.control.settings.mail_is_on,
        roles: roles(ProjectRole::Member.name()),
        can_invite: is_let && may_invite && !head.is_archived,
        can_revoke: may_invite,
        ..ProjectInvites::default()
    })
}

fn role_asked(call: &Call, field: &str, project: ProjectId) -> Result<RoleRef, Failure> {
    Ok(project_role_of(call.form().text(field), call.organization_id()?, project)?)
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let (project, user): (ProjectId, UserId) = (call.path("project_id")?, call.path("user_id")?);
    let role = role_asked(&call, "role_id", project)?;
    let done = give_role(&call.control, &call.grant, Principal::User(user), Some(project), role).await;
    back(&call, done.map(|_| "The role is given."))
}

async fn take(call: Call) -> Result<Answer, Failure> {
    let (project, user): (ProjectId, UserId) = (call.path("project_id")?, call.path("user_id")?);
    let role = crate::roles::role_of(call.path_text("role_id"), call.organization_id()?, Some(project))?;
    let done = take_role(&call.control, &call.grant, Principal::User(user), Some(project), role).await;
    back(&call, done.map(|()| "The role is taken away."))
}

async fn add_group(call: Call) -> Result<Answer, Failure> {
    let project: ProjectId = call.path("project_id")?;
    let (form, role) = (call.form(), role_asked(&call, "role", project)?);
    let typed = form.text("group").trim();
    let group = match typed.parse::<GroupId>() {
        Ok(id) => Ok(id),
        Err(_) => group_of_name(&call, typed).await,
    };
    let done = match group {
        Ok(group) => {
            give_role(&call.control, &call.grant, Principal::Group(group), Some(project), role).await
        }
        Err(failure) => Err(failure),
    };
    back(&call, done.map(|_| "The group has the role here."))
}

/// The group that somebody who may not see groups named.
async fn group_of_name(call: &Call, name: &str) -> Result<GroupId, Failure> {
    match call.control.store.group_of_name(&call.grant, name).await {
        Ok(group) => Ok(group.id),
        Err(store::Error::NotFound { .. }) => {
            let sentence = "There is no group of this name. An Admin can make it.";
            Err(Error::invalid_param("group_not_found", "group", sentence).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn remove_group(call: Call) -> Result<Answer, Failure> {
    let (project, group): (ProjectId, GroupId) = (call.path("project_id")?, call.path("group_id")?);
    let done = remove_project_group(&call.control, &call.grant, project, group).await;
    back(&call, done.map(|()| "Removed."))
}

async fn invite(call: Call) -> Result<Answer, Failure> {
    let project: ProjectId = call.path("project_id")?;
    let email = call.form().text("email").to_owned();
    let sent = match role_of(&call) {
        Ok(role) => create_project_invite(&call.control, &call.grant, project, email, role).await,
        Err(error) => Err(error.into()),
    };
    match sent {
        // The link is shown only now, so it goes into this very answer and nowhere else.
        Ok(sent) => members_page_with(&call, Some(sent.url), None).await,
        Err(failure) => {
            let status = failure.status();
            let flash = console::refusal(failure)?;
            Ok(members_page_with(&call, None, Some(flash)).await?.status(status))
        }
    }
}

async fn revoke(call: Call) -> Result<Answer, Failure> {
    let (project, id): (ProjectId, InviteId) = (call.path("project_id")?, call.path("invite_id")?);
    let done = revoke_project_invite(&call.control, &call.grant, project, id).await;
    back(&call, done.map(|()| "The invitation is revoked."))
}
