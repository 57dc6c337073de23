//! Nobody gets further than what was given from above: people of limited rights make, edit, accept and assign at
//! random over roles, groups, invitations, keys and service accounts, in sequences of up to five acts. After each
//! sequence everybody may do at most what they could before, or what somebody who acted could.

use std::collections::BTreeMap;
use std::time::Instant;

use control::invites::{Accepting, accept_invite};
use domain::access::{
    Actor, Credential, CustomRole, Grant, OrganizationRole, Origin, Permission, Permissions, Principal,
    ProjectRole, RoleRef, Task,
};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{GroupId, ProjectId, RoleId, SessionId, UserId};
use domain::members::User;
use domain::policy::{Entry, Level, Mode, Setting, Spot};
use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::world::{Person, World};

/// How many members of limited rights there are, and how many people who belong to nothing yet.
const PEOPLE: usize = 4;
const OUTSIDERS: usize = 2;
/// So many sequences run between two times that rights are given anew from above.
const BETWEEN_GIFTS: usize = 8;
const DEPTH: u64 = 5;
/// How many worlds are tried side by side.
const WORLDS: usize = 4;

/// What lets people do much with others.
const MANAGING: [Permission; 12] = [
    Permission::RoleManage,
    Permission::GroupManage,
    Permission::MemberManage,
    Permission::InviteManage,
    Permission::AdminKeyManage,
    Permission::ProjectRead,
    Permission::ProjectUpdate,
    Permission::ProjectMemberManage,
    Permission::ProjectRoleManage,
    Permission::ProjectInvite,
    Permission::ServiceAccountManage,
    Permission::ApiKeyManage,
];

/// That Project Owners may invite into their projects.
fn owners_invite(at: Timestamp) -> Entry {
    Entry {
        setting: Setting::Invitations,
        level: Level::Organization,
        value: Setting::Invitations.kind().read(&json!("owners")).unwrap(),
        mode: Mode::Enforce,
        is_locked: false,
        floor: None,
        set_by: None,
        set_at: at,
    }
}

/// What everybody may do, by person and place; the organization comes first.
type Rights = BTreeMap<UserId, Vec<Permissions>>;

/// The world of the trial.
struct Trial {
    world: World,
    dice: Dice,
    people: Vec<Person>,
    outsiders: Vec<User>,
    projects: Vec<ProjectId>,
    /// Admin keys by who made them: the own one of each, and those made for others.
    keys: Vec<(UserId, String)>,
    /// Roles that were made, with their places; some hold much.
    roles: Vec<(RoleId, Option<ProjectId>)>,
    groups: Vec<GroupId>,
    number: u64,
    /// What was done in this sequence, and by whom.
    trail: Vec<String>,
    succeeded: BTreeMap<&'static str, u64>,
}

/// Who acts in a sequence, and what they could do together when it began.
struct Coalition {
    members: Vec<UserId>,
    rights: Vec<Permissions>,
}

impl Trial {
    async fn new(dice: Dice) -> Self {
        let world = World::new().await;
        let mut trial = Self {
            people: Vec::new(),
            outsiders: Vec::new(),
            projects: Vec::new(),
            keys: Vec::new(),
            roles: Vec::new(),
            groups: Vec::new(),
            number: 0,
            trail: Vec::new(),
            succeeded: BTreeMap::new(),
            dice,
            world,
        };
        for n in 0..PEOPLE {
            let person = trial.world.person(&format!("person{n}"), OrganizationRole::Member).await;
            trial.keys.push((person.id.parse().unwrap(), person.key.clone()));
            trial.people.push(person);
        }
        trial.prepare().await;
        trial
    }

    fn grant(&self) -> Grant {
        Grant::system(Task::Demo, Some(self.world.acme.organization_id))
    }

    /// Projects, groups, people who belong to nothing yet, and Project Owners allowed to invite.
    async fn prepare(&mut self) {
        for name in ["One", "Two"] {
            let made = self.world.admin("POST /v1/organization/projects", json!({"name": name})).await.json();
            self.projects.push(made["id"].as_str().unwrap().parse().unwrap());
        }
        for name in ["Crew", "Admins"] {
            let made = self.world.admin("POST /v1/organization/groups", json!({"name": name})).await.json();
            self.groups.push(made["id"].as_str().unwrap().parse().unwrap());
        }
        let (control, grant) = (&self.world.control, self.grant());
        let mut change = control.change(&grant).await.unwrap();
        for n in 0..OUTSIDERS {
            let user = User {
                id: UserId::mint(control.ambient.as_ref()),
                email: format!("outsider{n}@example.test"),
                name: "Outsider".to_owned(),
                created_at: control.now(),
            };
            change.insert_user(&user, "hash").await.unwrap();
            self.outsiders.push(user);
        }
        let organization = control.store.organization(&grant).await.unwrap();
        change.write_policy_entry(&grant, Spot::Organization, &owners_invite(control.now())).await.unwrap();
        control.commit(change, AuditEntry::new(Verb::OrganizationUpdated, organization.id)).await.unwrap();
    }

    fn places(&self) -> Vec<Option<ProjectId>> {
        std::iter::once(None).chain(self.projects.iter().copied().map(Some)).collect()
    }

    fn everybody(&self) -> Vec<UserId> {
        let people = self.people.iter().map(|person| person.id.parse().unwrap());
        let outsiders = self.outsiders.iter().map(|user| user.id);
        people.chain(outsiders).chain([self.world.acme.user_id]).collect()
    }

    async fn rights(&self) -> Rights {
        let mut rights = Rights::new();
        for user in self.everybody() {
            let (store, organization) = (&self.world.control.store, self.world.acme.organization_id);
            let standing = store.standing(user, organization, self.world.control.now()).await.unwrap();
            let at = |place| match (&standing, place) {
                (None, _) => Permissions::NONE,
                (Some(standing), None) => standing.rights(),
                (Some(standing), Some(_)) => standing.rights_at(place).of_projects(),
            };
            rights.insert(user, self.places().into_iter().map(at).collect());
        }
        rights
    }

    /// Random permissions: a few, or much of what it takes to manage people.
    fn random_permissions(&mut self, place: Option<ProjectId>, is_manager: bool) -> Permissions {
        let all = if place.is_some() { Permissions::all().of_projects() } else { Permissions::all() };
        let dice = &mut self.dice;
        let is_chosen = |permission: &Permission| match () {
            () if is_manager && MANAGING.contains(permission) => dice.below(4) > 0,
            () => dice.below(if is_manager { 2 } else { 8 }) == 0,
        };
        let chosen: Permissions = all.iter().filter(is_chosen).collect();
        if chosen.is_empty() { Permissions::of(&[Permission::CostRead]) } else { chosen }
    }

    /// Rights given anew from above: who was somebody is nobody in particular again, and is given random roles.
    async fn give_from_above(&mut self) {
        let (grant, control) = (self.grant(), self.world.control.clone());
        let mut change = control.change(&grant).await.unwrap();
        let mut managers = Vec::new();
        for outsider in &self.outsiders {
            let gone = change.remove_member(&grant, outsider.id).await;
            assert!(gone.is_ok() || matches!(gone, Err(store::Error::NotFound { .. })), "{gone:?}");
        }
        for (place, is_manager) in self.places().into_iter().flat_map(|place| [(place, false), (place, true)])
        {
            self.number += 1;
            let id = RoleId::mint(control.ambient.as_ref());
            let role = CustomRole {
                id,
                organization_id: self.world.acme.organization_id,
                project_id: place,
                name: format!("from above {}", self.number),
                description: String::new(),
                permissions: self.random_permissions(place, is_manager),
                created_by: None,
                created_at: change.at(),
                updated_at: change.at(),
            };
            change.insert_custom_role(&role).await.unwrap();
            self.roles.push((id, place));
            if is_manager {
                managers.push((RoleRef::Custom(id), place));
            }
        }
        let keep = self.roles.len().saturating_sub(12);
        self.roles.drain(..keep);
        for person in 0..PEOPLE {
            let user: UserId = self.people[person].id.parse().unwrap();
            for one in change.rank(&grant, user).await.unwrap().assignments {
                let is_base = one.role == RoleRef::Organization(OrganizationRole::Member);
                if one.group_id.is_none() && !is_base {
                    change.take_role(&grant, Principal::User(user), one.project_id, one.role).await.unwrap();
                }
            }
            let random = self.random_role(None);
            for (role, place) in [managers[person % managers.len()], random] {
                change.give_role(&grant, Principal::User(user), place, role).await.unwrap();
            }
        }
        for (at, id) in self.groups.clone().into_iter().enumerate() {
            let group = change.lock_group(&grant, id).await.unwrap();
            change.delete_group(&group).await.unwrap();
            change.insert_group(&group).await.unwrap();
            let of_admins = (RoleRef::Organization(OrganizationRole::Admin), None);
            let (role, place) = if at == 0 { self.random_role(None) } else { of_admins };
            change.give_role(&grant, Principal::Group(id), place, role).await.unwrap();
        }
        control.commit(change, AuditEntry::new(Verb::RoleAssigned, "x")).await.unwrap();
        self.keys.truncate(PEOPLE + 6);
    }

    /// A role below Admin, where it can be given; of the place that is wanted, or of any.
    fn random_role(&mut self, wanted: Option<Option<ProjectId>>) -> (RoleRef, Option<ProjectId>) {
        let place = wanted.unwrap_or(*self.dice.pick(&self.places()));
        let custom: Vec<RoleRef> =
            self.roles.iter().filter(|role| role.1 == place).map(|role| RoleRef::Custom(role.0)).collect();
        let role = match (self.dice.below(3), place) {
            (0, None) => RoleRef::Organization(OrganizationRole::ALL[1 + self.dice.below(3) as usize]),
            (0, Some(_)) => RoleRef::Project(ProjectRole::ALL[self.dice.below(3) as usize]),
            _ => *self.dice.pick(&custom),
        };
        (role, place)
    }
}

/// One thing to ask for: a name for the tally, the line, the body.
type Act = (&'static str, String, Value);

impl Trial {
    fn random_user(&mut self) -> UserId {
        *self.dice.pick(&self.everybody())
    }

    /// Names of permissions for a role of a place; mostly such as who acts has there.
    fn random_names(&mut self, at: usize, coalition: &Coalition) -> Vec<&'static str> {
        let all = if at > 0 { Permissions::all().of_projects() } else { Permissions::all() };
        let set = if self.dice.below(4) > 0 { all.and(coalition.rights[at]) } else { all };
        let names = set.plain_names();
        let names: Vec<_> = names.into_iter().filter(|name| at > 0 || !name.ends_with("_own")).collect();
        let count = self.dice.below(4);
        (0..=count).filter(|_| !names.is_empty()).map(|_| *self.dice.pick(&names)).collect()
    }

    /// A role's id, mostly one that can be given in this place; sometimes Admin's.
    fn role_id(&mut self, place: Option<ProjectId>) -> String {
        match self.dice.below(8) {
            0 => "role-api-organization-admin".to_owned(),
            1 => self.random_role(None).0.to_string(),
            _ => self.random_role(Some(place)).0.to_string(),
        }
    }

    fn random_act(&mut self, coalition: &Coalition) -> Act {
        match self.dice.below(20) {
            0..3 => self.act_on_roles(coalition),
            3..9 => self.act_on_assignments(),
            9..12 => self.act_on_groups(),
            12..16 => self.act_on_people(),
            16..18 => self.act_on_invites(),
            _ => self.act_on_keys(),
        }
    }

    fn act_on_roles(&mut self, coalition: &Coalition) -> Act {
        let places = self.places();
        let at = usize::try_from(self.dice.below(3)).unwrap();
        let place = places[at];
        let root = place.map_or("/v1/organization".to_owned(), |project| format!("/v1/projects/{project}"));
        let permissions = self.random_names(at, coalition);
        self.number += 1;
        let here: Vec<RoleId> = self.roles.iter().filter(|role| role.1 == place).map(|role| role.0).collect();
        let role = *self.dice.pick(&here);
        match self.dice.below(3) {
            0 => {
                let body = json!({"role_name": format!("role {}", self.number), "permissions": permissions});
                ("make a role", format!("POST {root}/roles"), body)
            }
            1 => ("edit a role", format!("POST {root}/roles/{role}"), json!({"permissions": permissions})),
            _ => ("delete a role", format!("DELETE {root}/roles/{role}"), json!(null)),
        }
    }

    fn act_on_assignments(&mut self) -> Act {
        let place = *self.dice.pick(&self.places());
        let root = place.map_or("/v1/organization".to_owned(), |project| format!("/v1/projects/{project}"));
        let (user, group) = (self.random_user(), *self.dice.pick(&self.groups.clone()));
        let whom = if self.dice.below(3) == 0 { format!("groups/{group}") } else { format!("users/{user}") };
        let role = self.role_id(place);
        match self.dice.below(3) {
            0 => ("take a role", format!("DELETE {root}/{whom}/roles/{role}"), json!(null)),
            _ => ("give a role", format!("POST {root}/{whom}/roles"), json!({"role_id": role})),
        }
    }

    fn act_on_groups(&mut self) -> Act {
        let (user, group) = (self.random_user(), *self.dice.pick(&self.groups.clone()));
        let project = *self.dice.pick(&self.projects.clone());
        let (one, there) = (
            format!("/v1/organization/groups/{group}"),
            format!("/v1/organization/projects/{project}/groups"),
        );
        let role = self.role_id(Some(project));
        match self.dice.below(5) {
            0..2 => ("put into a group", format!("POST {one}/users"), json!({"user_id": user})),
            2 => ("take out of a group", format!("DELETE {one}/users/{user}"), json!(null)),
            3 => (
                "put a group into a project",
                format!("POST {there}"),
                json!({"group_id": group, "role": role}),
            ),
            _ => ("take a group out of a project", format!("DELETE {there}/{group}"), json!(null)),
        }
    }

    fn act_on_people(&mut self) -> Act {
        let (user, project) = (self.random_user(), *self.dice.pick(&self.projects.clone()));
        let role = *self.dice.pick(&["owner", "member", "viewer"]);
        let users = format!("/v1/organization/projects/{project}/users");
        match self.dice.below(6) {
            0 => {
                let role = *self.dice.pick(&["admin", "member", "finance", "auditor"]);
                let line = format!("POST /v1/organization/users/{user}");
                ("change a member", line, json!({"bailiwick_role": role}))
            }
            1..3 => ("add to a project", format!("POST {users}"), json!({"user_id": user, "role": role})),
            3 => ("change in a project", format!("POST {users}/{user}"), json!({"role": role})),
            4 => ("remove from a project", format!("DELETE {users}/{user}"), json!(null)),
            _ => {
                let body = json!({"owner_ids": [user], "accountable_owner_id": user});
                ("change owners", format!("POST /v1/organization/projects/{project}"), body)
            }
        }
    }

    fn act_on_invites(&mut self) -> Act {
        let (first, second) = (self.projects[0], self.projects[1]);
        let email = self.dice.pick(&self.outsiders.clone()).email.clone();
        let role = *self.dice.pick(&["owner", "member", "viewer"]);
        if self.dice.below(2) == 0 {
            let line = format!("POST /v1/organization/projects/{first}/invites");
            return ("invite into a project", line, json!({"email": email, "role": role}));
        }
        let mut projects = vec![json!({"id": first, "role": role})];
        projects.extend((self.dice.below(2) == 0).then(|| json!({"id": second, "role": "viewer"})));
        let wide = *self.dice.pick(&["admin", "member", "finance", "auditor"]);
        let body = json!({"email": email, "bailiwick_role": wide, "projects": projects});
        ("invite", "POST /v1/organization/invites".to_owned(), body)
    }

    fn act_on_keys(&mut self) -> Act {
        let (user, project) = (self.random_user(), *self.dice.pick(&self.projects.clone()));
        let root = format!("POST /v1/organization/projects/{project}");
        self.number += 1;
        let name = format!("name {}", self.number);
        match self.dice.below(4) {
            0 => {
                let body = json!({"name": name, "owner": {"type": "user", "id": user}});
                ("make a key", format!("{root}/api_keys"), body)
            }
            1 => ("make a service account", format!("{root}/service_accounts"), json!({"name": name})),
            _ => {
                let line = "POST /v1/organization/admin_api_keys".to_owned();
                ("make an admin key", line, json!({"name": name, "owner_id": user}))
            }
        }
    }

    /// Runs one act with a credential of somebody who acts, and follows it up; whether anything was changed.
    async fn act(&mut self, coalition: &Coalition) -> bool {
        let who = *self.dice.pick(&coalition.members);
        let theirs: Vec<String> =
            self.keys.iter().filter(|(maker, _)| *maker == who).map(|(_, key)| key.clone()).collect();
        let key = self.dice.pick(&theirs).clone();
        let (name, line, body) = self.random_act(coalition);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let seen = self.world.call(&key, &line, &[], text).await;
        assert!(!seen.status.is_server_error(), "{line} {body}: {}", seen.text);
        if seen.status != 200 {
            return false;
        }
        *self.succeeded.entry(name).or_default() += 1;
        self.trail.push(format!("{who}: {line} {body}"));
        let answer = seen.json();
        self.follow_up(name, &line, (&body, &answer), (who, coalition)).await;
        true
    }

    async fn follow_up(
        &mut self,
        name: &str,
        line: &str,
        (body, answer): (&Value, &Value),
        (who, coalition): (UserId, &Coalition),
    ) {
        let place =
            self.places().iter().position(|place| place.is_some_and(|id| line.contains(&id.to_string())));
        let together = coalition.rights[place.unwrap_or(0)];
        match name {
            "make a role" => {
                let place = place.and_then(|at| self.places()[at]);
                self.roles.push((answer["id"].as_str().unwrap().parse().unwrap(), place));
            }
            "delete a role" => self.roles.retain(|(id, _)| !line.ends_with(&id.to_string())),
            "make a key" => {
                let is_own = body["owner"]["id"] == who.to_string();
                let needed = if is_own { Permission::ApiKeyManageOwn } else { Permission::ApiKeyManage };
                // One of the keys of who acts may belong to somebody else.
                let is_theirs = together.holds(Permission::ApiKeyManageOwn);
                assert!(together.holds(needed) || is_theirs, "{line} {body}");
            }
            "make a service account" => {
                assert!(together.holds(Permission::ApiKeyManage), "{line}");
                assert!(ProjectRole::Member.permissions().is_within(together), "{line}");
            }
            "make an admin key" => {
                self.keys.push((who, answer["value"].as_str().unwrap().to_owned()));
            }
            "invite" | "invite into a project" => self.accept(answer).await,
            _ => {}
        }
    }

    async fn accept(&mut self, sent: &Value) {
        let user = self.outsiders.iter().find(|user| sent["email"] == user.email).unwrap();
        let actor = Actor {
            user_id: user.id,
            email: user.email.clone(),
            credential: Credential::Session(SessionId::from_parts(self.world.control.now(), 1)),
            standing: None,
            origin: Origin::default(),
        };
        let token = sent["url"].as_str().unwrap().rsplit('/').next().unwrap();
        let accepting = Accepting::SignedIn(&actor);
        accept_invite(&self.world.control, token, accepting, &Origin::default()).await.unwrap();
    }

    fn coalition(&mut self, rights: &Rights) -> Coalition {
        let people = self.people.iter().map(|person| person.id.parse().unwrap());
        let everybody: Vec<UserId> = people.collect();
        let first = *self.dice.pick(&everybody);
        let members: Vec<UserId> =
            everybody.into_iter().filter(|user| *user == first || self.dice.below(4) == 0).collect();
        let together =
            |at: usize| members.iter().fold(Permissions::NONE, |sum, user| sum.or(rights[user][at]));
        let rights = (0..self.places().len()).map(together).collect();
        Coalition { members, rights }
    }
}

/// Nobody may do anything that they could not do before and nobody who acted could.
fn check(before: &Rights, after: &Rights, coalition: &Coalition, trial: &Trial) {
    for (user, rights) in after {
        for (at, now) in rights.iter().enumerate() {
            let most = before[user][at].or(coalition.rights[at]);
            let gained = now.without(most).names();
            assert!(now.is_within(most), "{user} at {at}: {gained:?} by {:#?}", trial.trail);
        }
    }
    if coalition.rights[0] != Permissions::all() {
        let admin = trial.world.acme.user_id;
        assert_eq!(before[&admin], after[&admin], "the Admin is above all who acted");
    }
}

async fn run(dice: Dice, sequences: usize) -> BTreeMap<&'static str, u64> {
    let mut trial = Trial::new(dice).await;
    let mut before = trial.rights().await;
    for sequence in 0..sequences {
        if sequence % BETWEEN_GIFTS == 0 {
            trial.give_from_above().await;
            before = trial.rights().await;
        }
        let coalition = trial.coalition(&before);
        let mut is_changed = false;
        trial.trail.clear();
        for _ in 0..1 + trial.dice.below(DEPTH) {
            is_changed |= trial.act(&coalition).await;
        }
        if is_changed {
            let after = trial.rights().await;
            check(&before, &after, &coalition, &trial);
            before = after;
        }
    }
    trial.succeeded
}

#[test]
fn what_can_be_reached_never_exceeds_what_was_given_from_above() {
    let sequences = if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { 100_000 } else { 10_000 };
    let mut dice = Dice::thrown();
    let started = Instant::now();
    let mut succeeded: BTreeMap<&str, u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..WORLDS)
            .map(|_| {
                let dice = dice.another();
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(run(dice, sequences / WORLDS))
                })
            })
            .collect();
        for part in parts {
            for (name, count) in part.join().unwrap() {
                *succeeded.entry(name).or_default() += count;
            }
        }
    });
    println!("{sequences} sequences in {:?}: {succeeded:?}", started.elapsed());
    for name in [
        "make a role",
        "edit a role",
        "give a role",
        "take a role",
        "put into a group",
        "put a group into a project",
        "change a member",
        "add to a project",
        "invite",
        "invite into a project",
        "make a key",
        "make a service account",
        "make an admin key",
    ] {
        assert!(
            succeeded.get(name).is_some_and(|count| *count > 10),
            "{name} hardly ever worked: {succeeded:?}"
        );
    }
}
