//! A decision in one plain sentence.

use super::explain::{Decision, Explanation, Reason};
use super::grant::Reach;
use super::permission::Permission;

/// How many roles a sentence names.
const NAMED_ROLES: usize = 3;

/// What a permission allows, to stand after `may`: `see who is a member of the organization`.
pub fn act(permission: Permission) -> String {
    let sentence = permission.sentence().trim_end_matches('.');
    let mut characters = sentence.chars();
    let first = characters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(characters).collect()
}

impl Explanation {
    /// The decision about `who`, for the reasons given, in a place as people name it: `the project Support chat`.
    pub fn sentence(&self, who: &str, permission: Permission, place: &str, reasons: &[Reason]) -> String {
        let act = act(permission);
        let roles = as_roles(reasons);
        match (self.decision, self.code) {
            (Decision::Allowed, _) => match self.reach_of_a_list() {
                Some((0, 0)) => format!(
                    "Yes: in {place} {who} may {act}, but no role of theirs reaches any, so there is nothing to see."
                ),
                Some((whole, own)) => {
                    let more = match own {
                        0 => String::new(),
                        own => format!(", and in {own} more for what they own"),
                    };
                    format!("Yes, in {} of {place}{more}: {who} may {act}{roles}.", count(whole, "project"))
                }
                None => format!("Yes: in {place} {who} may {act}{roles}."),
            },
            (Decision::AllowedOwn, _) => {
                let act = permission.own().map_or(act, self::act);
                format!("Yes, for what they own: in {place} {who} may {act}{roles}.")
            }
            (Decision::Forbidden, Some("organization_suspended")) => format!(
                "No: the organization is suspended or closed, so in {place} nobody may {act}. An Admin can reactivate it."
            ),
            (Decision::Forbidden, _) => {
                format!("No: in {place} {who} may not {act}, for no role of theirs gives it.")
            }
            (Decision::Hidden, _) => {
                format!("No: {who} has no role that shows {place}, so to them it is not there.")
            }
        }
    }

    /// Of a list: how many projects it reaches whole, and how many only for what they own.
    fn reach_of_a_list(&self) -> Option<(usize, usize)> {
        match &self.reach {
            Some(Reach::Some { whole, own, .. }) if self.is_list => Some((whole.len(), own.len())),
            _ => None,
        }
    }
}

/// `, as Admin` or `, as Project Owner through the group Platform and as Viewer`.
fn as_roles(reasons: &[Reason]) -> String {
    let mut roles: Vec<String> = Vec::new();
    for reason in reasons {
        let through = reason.group_name.as_ref().map(|group| format!(" through the group {group}"));
        let role = format!("as {}{}", reason.role_name, through.unwrap_or_default());
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    let more = roles.len().saturating_sub(NAMED_ROLES);
    roles.truncate(NAMED_ROLES);
    if more > 0 {
        roles.push(format!("by {} more", count(more, "role")));
    }
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    if roles.is_empty() { String::new() } else { format!(", {}", super::glance::listed(&roles)) }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Why nothing of a suspended member counts.
pub fn suspended(who: &str) -> String {
    format!("No: {who} is suspended in the organization, so no session and no key of theirs works in it.")
}

/// Why a credential opens nothing, whatever its owner may: `The admin key ci is revoked`.
pub fn refused_credential(what: &str, name: &str, why: &str) -> String {
    format!("No: the {what} {name} {why}.")
}

#[cfg(test)]
mod tests {
    use super::super::{
        Actor, Assignment, Credential, OrganizationRole, Origin, ProjectRole, RoleRef, Standing, Target,
        explain, role_title,
    };
    use super::*;
    use crate::ids::{GroupId, OrganizationId, ProjectId, SessionId, UserId};
    use crate::organizations::OrganizationState;
    use crate::time::Timestamp;

    fn at() -> Timestamp {
        Timestamp::from_unix_seconds(1)
    }

    fn organization() -> OrganizationId {
        OrganizationId::from_parts(at(), 1)
    }

    fn project(n: u128) -> ProjectId {
        ProjectId::from_parts(at(), n)
    }

    fn standing(role: OrganizationRole, projects: &[(u128, ProjectRole)]) -> Standing {
        let projects: Vec<_> = projects.iter().map(|(n, role)| (project(*n), *role)).collect();
        Standing::of_roles(organization(), role, &projects)
    }

    fn told(standing: Standing, permission: Permission, target: Target) -> String {
        let actor = Actor {
            user_id: UserId::from_parts(at(), 1),
            email: String::new(),
            credential: Credential::Session(SessionId::from_parts(at(), 1)),
            standing: Some(standing),
            origin: Origin::default(),
        };
        let explanation = explain(&actor, permission, target);
        let named = |assignment: &Assignment| Reason {
            assignment: assignment.clone(),
            role_name: role_title(assignment.role).to_owned(),
            project_name: assignment.project_id.map(|_| "Support chat".to_owned()),
            group_name: assignment.group_id.map(|_| "Platform".to_owned()),
            given_by_name: None,
        };
        let reasons: Vec<Reason> = explanation.because.iter().map(named).collect();
        let place = match target {
            Target::Project(..) => "the project Support chat",
            _ => "the organization Acme",
        };
        explanation.sentence("Lead", permission, place, &reasons)
    }

    #[test]
    fn a_decision_is_told_in_one_sentence_with_its_roles() {
        use OrganizationRole::{Admin, Member};
        use Permission as P;
        let everywhere = Target::Organization(organization());
        let here = Target::Project(organization(), project(1));
        let owner = || standing(Member, &[(1, ProjectRole::Owner), (2, ProjectRole::Member)]);
        for (standing, permission, target, sentence) in [
            (
                standing(Admin, &[]),
                P::MemberRead,
                everywhere,
                "Yes: in the organization Acme Lead may see who is a member of the organization, as Admin.",
            ),
            (
                owner(),
                P::MemberRead,
                everywhere,
                "No: in the organization Acme Lead may not see who is a member of the organization, for no role \
                 of theirs gives it.",
            ),
            (
                owner(),
                P::ProjectUpdate,
                here,
                "Yes: in the project Support chat Lead may change a project's settings and labels, as Project Owner.",
            ),
            (
                standing(Member, &[(1, ProjectRole::Member)]),
                P::ApiKeyRead,
                here,
                "Yes, for what they own: in the project Support chat Lead may see the keys of a project that one \
                 owns, as Member.",
            ),
            (
                owner(),
                P::ApiKeyRead,
                everywhere,
                "Yes, in 1 project of the organization Acme, and in 1 more for what they own: Lead may see all keys of \
                 a project (never their secrets), as Project Owner and as Member.",
            ),
            (
                standing(Member, &[]),
                P::ProjectRead,
                here,
                "No: Lead has no role that shows the project Support chat, so to them it is not there.",
            ),
            (
                standing(Member, &[]),
                P::ProjectRead,
                everywhere,
                "Yes: in the organization Acme Lead may see a project and its settings, but no role of theirs \
                 reaches any, so there is nothing to see.",
            ),
            (
                Standing { state: OrganizationState::Suspended, ..standing(Admin, &[]) },
                P::ProjectCreate,
                everywhere,
                "No: the organization is suspended or closed, so in the organization Acme nobody may create \
                 projects, and name their owners. An Admin can reactivate it.",
            ),
        ] {
            assert_eq!(told(standing, permission, target), sentence);
        }
    }

    #[test]
    fn a_group_is_named_and_many_roles_are_counted() {
        let mut standing = standing(OrganizationRole::Member, &[(1, ProjectRole::Viewer)]);
        let group = |n: u128, role| Assignment {
            group_id: Some(GroupId::from_parts(at(), n)),
            ..Assignment::built_in(RoleRef::Project(role), Some(project(1)))
        };
        standing.assignments.push(group(1, ProjectRole::Owner));
        standing.assignments.push(group(2, ProjectRole::Owner));
        standing.assignments.push(group(1, ProjectRole::Member));
        standing
            .assignments
            .push(Assignment::built_in(RoleRef::Project(ProjectRole::Owner), Some(project(1))));
        let here = Target::Project(organization(), project(1));
        assert_eq!(
            told(standing, Permission::ProjectRead, here),
            "Yes: in the project Support chat Lead may see a project and its settings, as Viewer, as Project Owner \
             through the group Platform, as Member through the group Platform and by 1 role more."
        );
    }

    #[test]
    fn what_is_allowed_for_ones_own_is_allowed_for_a_thing_only_when_it_is_theirs() {
        let me = UserId::from_parts(at(), 1);
        let explanation =
            |decision| Explanation { decision, code: None, reach: None, is_list: false, because: Vec::new() };
        for (decision, owner, about) in [
            (Decision::AllowedOwn, Some(me), Decision::Allowed),
            (Decision::AllowedOwn, Some(UserId::from_parts(at(), 2)), Decision::Hidden),
            (Decision::AllowedOwn, None, Decision::Hidden),
            (Decision::Allowed, None, Decision::Allowed),
            (Decision::Forbidden, Some(me), Decision::Forbidden),
        ] {
            assert_eq!(explanation(decision).about_a_thing_of(owner, me).decision, about);
        }
    }
}
