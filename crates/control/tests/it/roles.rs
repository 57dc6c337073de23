//! Roles, groups and who may give what to whom, over the wire.

use domain::access::{Grant, OrganizationRole, Task};
use domain::audit::{AuditEntry, Verb};
use domain::organizations::{Feature, Features, Organization};
use serde_json::{Value, json};

use crate::world::{Person, Seen, World};

const ROLES: &str = "/v1/organization/roles";

pub async fn admin(world: &World, line: &str, body: Value) -> Value {
    let seen = world.admin(line, body).await;
    assert_eq!(seen.status, 200, "{line}: {}", seen.text);
    seen.json()
}

pub fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(id).collect()
}

async fn project(world: &World, name: &str) -> String {
    id(&admin(world, "POST /v1/organization/projects", json!({"name": name})).await)
}

pub async fn role(world: &World, name: &str, permissions: &[&str]) -> String {
    let body = json!({"role_name": name, "permissions": permissions});
    id(&admin(world, &format!("POST {ROLES}"), body).await)
}

pub async fn group(world: &World, name: &str) -> String {
    id(&admin(world, "POST /v1/organization/groups", json!({"name": name})).await)
}

/// Gives a role of the organization to a member.
async fn give(world: &World, person: &Person, role: &str) -> Value {
    let line = format!("POST /v1/organization/users/{}/roles", person.id);
    admin(world, &line, json!({"role_id": role})).await
}

pub fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub async fn settings(world: &World, change: impl FnOnce(&mut Organization)) {
    let grant = Grant::system(Task::Demo, Some(world.acme.organization_id));
    let mut organization = world.control.store.organization(&grant).await.unwrap();
    change(&mut organization);
    let mut writing = world.control.change(&grant).await.unwrap();
    writing.update_organization(&organization).await.unwrap();
    let entry = AuditEntry::new(Verb::OrganizationUpdated, organization.id);
    world.control.commit(writing, entry).await.unwrap();
}

#[tokio::test]
async fn anyone_of_the_organization_reads_what_each_permission_allows() {
    let world = World::new().await;
    let member = world.person("member", OrganizationRole::Member).await;
    let list = world.by(&member, "GET /v1/organization/permissions", json!(null)).await.json();
    assert_eq!((list["object"].as_str(), list["has_more"].as_bool()), (Some("list"), Some(false)));
    let named = |name: &str| {
        let found = list["data"].as_array().unwrap().iter().find(|one| one["id"] == name);
        found.unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(list["data"].as_array().unwrap().len(), domain::access::Permission::ALL.len());
    let read = named("cost.read");
    assert_eq!(read["resource_type"], "api.project");
    let expected = ["admin", "auditor", "finance"].map(|word| format!("role-api-organization-{word}"));
    let expected =
        expected.into_iter().chain(["owner", "viewer"].map(|word| format!("role-api-project-{word}")));
    assert_eq!(read["predefined_roles"], json!(expected.collect::<Vec<_>>()));
    assert_eq!(named("usage.read_own")["covered_by"], "usage.read");
    assert!(named("role.manage")["description"].as_str().unwrap().ends_with('.'));
}

#[tokio::test]
async fn a_custom_role_is_made_changed_given_and_deleted() {
    let world = World::new().await;
    let line = format!("POST {ROLES}");
    let body = json!({"role_name": "Reader", "description": "Reads usage.", "permissions": ["usage.read", "member.read"]});
    let made = admin(&world, &line, body.clone()).await;
    assert_eq!((made["object"].as_str(), made["predefined_role"].as_bool()), (Some("role"), Some(false)));
    assert_eq!(made["permissions"], json!(["member.read", "usage.read"]));
    assert_eq!(made["resource_type"], "api.organization");
    for (wrong, code) in [
        (json!({"role_name": "X", "permissions": ["no.such"]}), "unknown_permission"),
        (json!({"role_name": "X", "permissions": []}), "permissions_required"),
        (json!({"role_name": "admin", "permissions": ["usage.read"]}), "role_name_reserved"),
        (json!({"role_name": "X", "permissions": ["usage.read_own"]}), "permission_not_for_level"),
        (json!({"role_name": " ", "permissions": ["usage.read"]}), "invalid_name"),
    ] {
        assert_eq!(world.admin(&line, wrong).await.refusal(), refusal(400, code));
    }
    assert_eq!(world.admin(&line, body).await.refusal(), refusal(409, "role_name_taken"));
    let one = format!("{ROLES}/{}", id(&made));
    let changes = json!({"description": null, "permissions": ["usage.read"], "role_name": "Watcher"});
    let changed = admin(&world, &format!("POST {one}"), changes).await;
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Watcher"), &json!(null)));
    assert_eq!(admin(&world, &format!("GET {one}"), json!(null)).await, changed);
    let person = world.person("person", OrganizationRole::Member).await;
    let given = give(&world, &person, &id(&made)).await;
    assert_eq!(
        (given["object"].as_str(), given["user"]["id"].as_str()),
        (Some("user.role"), Some(&*person.id))
    );
    give(&world, &person, &id(&made)).await;
    assert_eq!(world.events("role.assignment.created").await, 1, "given twice is given once");
    let in_use = world.admin(&format!("DELETE {one}"), json!(null)).await;
    assert_eq!(
        in_use.json()["error"]["message"],
        "1 person or group has this role. Take it from them first."
    );
    assert_eq!(in_use.refusal(), refusal(409, "role_in_use"));
    let take = format!("DELETE /v1/organization/users/{}/roles/{}", person.id, id(&made));
    assert_eq!(
        admin(&world, &take, json!(null)).await,
        json!({"object": "user.role.deleted", "deleted": true})
    );
    assert_eq!(world.admin(&take, json!(null)).await.refusal().0, 404);
    let gone = admin(&world, &format!("DELETE {one}"), json!(null)).await;
    assert_eq!((gone["object"].as_str(), gone["deleted"].as_bool()), (Some("role.deleted"), Some(true)));
    assert_eq!(world.admin(&format!("GET {one}"), json!(null)).await.refusal().0, 404);
}

#[tokio::test]
async fn built_in_roles_are_listed_read_in_every_form_and_stay_as_they_are() {
    let world = World::new().await;
    let project = project(&world, "Support").await;
    let own = role(&world, "Own", &["usage.read"]).await;
    let listed = ids(&admin(&world, &format!("GET {ROLES}"), json!(null)).await);
    let built_in =
        ["admin", "auditor", "finance", "member"].map(|word| format!("role-api-organization-{word}"));
    assert_eq!(listed, built_in.iter().cloned().chain([own.clone()]).collect::<Vec<_>>());
    for (order, mut expected) in [("asc", listed.clone()), ("desc", listed.into_iter().rev().collect())] {
        let mut after = String::new();
        while !expected.is_empty() {
            let line = format!("GET {ROLES}?limit=2&order={order}&after={after}");
            let page = admin(&world, &line, json!(null)).await;
            let rest = expected.split_off(expected.len().min(2));
            assert_eq!(ids(&page), expected);
            assert_eq!(page["has_more"], !rest.is_empty());
            assert_eq!(page["next"].is_null(), rest.is_empty());
            after = page["last_id"].as_str().unwrap().to_owned();
            expected = rest;
        }
    }
    let organization = world.acme.organization_id;
    for form in [
        "role-api-organization-owner",
        &format!("role-api-organization-owner__api-organization__{organization}"),
    ] {
        let read = admin(&world, &format!("GET {ROLES}/{form}"), json!(null)).await;
        assert_eq!((&read["name"], &read["predefined_role"]), (&json!("Admin"), &json!(true)));
        let refused = world.admin(&format!("POST {ROLES}/{form}"), json!({"role_name": "King"})).await;
        assert_eq!(refused.refusal(), refusal(400, "role_predefined"));
        assert_eq!(world.admin(&format!("DELETE {ROLES}/{form}"), json!(null)).await.refusal().0, 400);
    }
    let of_project = ids(&admin(&world, &format!("GET /v1/projects/{project}/roles"), json!(null)).await);
    assert_eq!(of_project, ["member", "owner", "viewer"].map(|word| format!("role-api-project-{word}")));
    for wrong in
        [format!("GET {ROLES}/role-api-project-owner"), format!("GET /v1/projects/{project}/roles/{own}")]
    {
        assert_eq!(world.admin(&wrong, json!(null)).await.refusal(), refusal(404, "not_found"));
    }
}

#[tokio::test]
async fn a_role_counts_from_the_next_call_on_and_stops_as_soon() {
    let world = World::new().await;
    let person = world.person("person", OrganizationRole::Member).await;
    let reads = async |status: u16| {
        let seen = world.by(&person, "GET /v1/organization/users", json!(null)).await;
        assert_eq!(seen.status, status, "{}", seen.text);
    };
    reads(403).await;
    let reader = role(&world, "Reader", &["member.read"]).await;
    give(&world, &person, &reader).await;
    reads(200).await;
    admin(&world, &format!("POST {ROLES}/{reader}"), json!({"permissions": ["usage.read"]})).await;
    reads(403).await;
    admin(&world, &format!("POST {ROLES}/{reader}"), json!({"permissions": ["member.read"]})).await;
    let take = format!("DELETE /v1/organization/users/{}/roles/{reader}", person.id);
    admin(&world, &take, json!(null)).await;
    reads(403).await;
    let crew = group(&world, "Crew").await;
    admin(&world, &format!("POST /v1/organization/groups/{crew}/roles"), json!({"role_id": reader})).await;
    let into = json!({"user_id": person.id});
    let added = admin(&world, &format!("POST /v1/organization/groups/{crew}/users"), into.clone()).await;
    assert_eq!(added, json!({"object": "group.user", "user_id": person.id, "group_id": crew}));
    reads(200).await;
    let roles = format!("GET /v1/organization/users/{}/roles", person.id);
    let listed = admin(&world, &roles, json!(null)).await;
    let through = &listed["data"].as_array().unwrap().iter().find(|one| one["id"] == *reader).unwrap()["assignment_sources"]
        [0];
    assert_eq!((&through["principal_id"], &through["principal_type"]), (&json!(crew), &json!("group")));
    assert_eq!(world.admin(&take, json!(null)).await.refusal(), refusal(409, "role_through_group"));
    let out = format!("DELETE /v1/organization/groups/{crew}/users/{}", person.id);
    assert_eq!(
        admin(&world, &out, json!(null)).await,
        json!({"object": "group.user.deleted", "deleted": true})
    );
    reads(403).await;
    admin(&world, &format!("POST /v1/organization/groups/{crew}/users"), into).await;
    reads(200).await;
    admin(&world, &format!("DELETE /v1/organization/groups/{crew}"), json!(null)).await;
    reads(403).await;
}

#[tokio::test]
async fn built_in_roles_add_up_and_the_widest_is_told_as_the_members_own() {
    let world = World::new().await;
    let person = world.person("person", OrganizationRole::Finance).await;
    let user = format!("/v1/organization/users/{}", person.id);
    let names = async || {
        let listed = admin(&world, &format!("GET {user}/roles"), json!(null)).await;
        let mut names: Vec<_> = listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        let own = admin(&world, &format!("GET {user}"), json!(null)).await["bailiwick_role"].clone();
        (names, own)
    };
    give(&world, &person, "role-api-organization-owner").await;
    assert_eq!(names().await, (vec!["Admin".to_owned(), "Finance".to_owned()], json!("admin")));
    admin(&world, &format!("DELETE {user}/roles/role-api-organization-admin"), json!(null)).await;
    assert_eq!(names().await, (vec!["Finance".to_owned()], json!("finance")));
    admin(&world, &format!("DELETE {user}/roles/role-api-organization-finance"), json!(null)).await;
    assert_eq!(names().await, (vec!["Member".to_owned()], json!("member")));
    let base = world.admin(&format!("DELETE {user}/roles/role-api-organization-member"), json!(null)).await;
    assert_eq!(base.refusal(), refusal(409, "base_role"));
    let by_id = json!({"role_id": "role-api-organization-auditor"});
    assert_eq!(admin(&world, &format!("POST {user}"), by_id).await["bailiwick_role"], "auditor");
    give(&world, &person, "role-api-organization-finance").await;
    admin(&world, &format!("POST {user}"), json!({"bailiwick_role": "member"})).await;
    assert_eq!(
        names().await,
        (vec!["Member".to_owned()], json!("member")),
        "one role in place of all built-in ones"
    );
    let custom = role(&world, "Custom", &["usage.read"]).await;
    let refused = world.admin(&format!("POST {user}"), json!({"role_id": custom})).await;
    assert_eq!(refused.refusal(), refusal(400, "invalid_role"));
}

#[tokio::test]
async fn the_last_admin_keeps_the_role_on_every_path() {
    let world = World::new().await;
    let me = format!("/v1/organization/users/{}/roles/role-api-organization-owner", world.acme.user_id);
    assert_eq!(world.admin(&format!("DELETE {me}"), json!(null)).await.refusal(), refusal(409, "last_admin"));
    let admins = group(&world, "Admins").await;
    let body = json!({"role_id": "role-api-organization-owner"});
    admin(&world, &format!("POST /v1/organization/groups/{admins}/roles"), body).await;
    let other = world.person("other", OrganizationRole::Member).await;
    admin(&world, &format!("POST /v1/organization/groups/{admins}/users"), json!({"user_id": other.id}))
        .await;
    let by_other = world.by(&other, &format!("DELETE {me}"), json!(null)).await;
    assert_eq!(by_other.refusal(), refusal(409, "last_admin"), "an Admin through a group is not enough");
    give(&world, &other, "role-api-organization-owner").await;
    assert_eq!(world.by(&other, &format!("DELETE {me}"), json!(null)).await.status, 200);
}

/// Somebody who manages people, roles and groups, but sees no cost and no audit trail.
async fn manager(world: &World) -> Person {
    let manages = [
        "member.read",
        "member.manage",
        "role.read",
        "role.manage",
        "group.read",
        "group.manage",
        "invite.manage",
        "admin_key.manage",
        "project.read",
        "project_member.read",
        "project_member.manage",
    ];
    let role = role(world, "Manager", &manages).await;
    let person = world.person("manager", OrganizationRole::Member).await;
    give(world, &person, &role).await;
    person
}

/// What is refused for want of the giver's own rights.
const W: &str = "wider_than_giver";
/// What is refused for the higher rank of whom it concerns.
const H: &str = "higher_rank";
const INVITES: &str = "/v1/organization/invites";
/// The built-in role of a Project Owner on the wire.
const OWNER: &str = "role-api-project-owner";

async fn all_refused(world: &World, manager: &Person, cases: Vec<(String, Value, &str)>) {
    for (line, body, code) in cases {
        let line = if line.starts_with('/') { format!("POST {line}") } else { line };
        let seen = world.by(manager, &line, body.clone()).await;
        assert_eq!(seen.refusal(), refusal(403, code), "{line} {body}: {}", seen.text);
        let message = seen.json()["error"]["message"].as_str().unwrap().to_owned();
        let words = message.split([' ', ',']).map(|word| word.trim_end_matches('.'));
        assert!(words.filter_map(domain::access::Permission::parse).next().is_some(), "{message}");
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let world = World::new().await;
    let (manager, person) = (manager(&world).await, world.person("person", OrganizationRole::Member).await);
    let project = project(&world, "Support").await;
    let wide = role(&world, "Wide", &["member.read", "audit.read"]).await;
    let crew = group(&world, "Crew").await;
    admin(&world, &format!("POST /v1/organization/groups/{crew}/roles"), json!({"role_id": wide})).await;
    let empty = group(&world, "Empty").await;
    let into = |group: &str| format!("POST /v1/organization/groups/{group}/users");
    let user = format!("/v1/organization/users/{}", person.id);
    let narrow = json!({"role_name": "Narrow", "permissions": ["member.read"]});
    let narrow = world.by(&manager, &format!("POST {ROLES}"), narrow).await.json();
    let cases: Vec<(String, Value, &str)> = vec![
        (format!("POST {ROLES}"), json!({"role_name": "New", "permissions": ["audit.read"]}), W),
        (format!("POST {ROLES}/{}", id(&narrow)), json!({"permissions": ["audit.read"]}), W),
        (format!("POST {ROLES}/{wide}"), json!({"permissions": ["member.read"]}), H),
        (format!("POST {user}/roles"), json!({"role_id": wide}), W),
        (format!("POST {user}/roles"), json!({"role_id": "role-api-organization-admin"}), W),
        (format!("POST /v1/organization/groups/{empty}/roles"), json!({"role_id": wide}), W),
        (into(&crew), json!({"user_id": person.id}), W),
        (format!("DELETE /v1/organization/groups/{crew}/roles/{wide}"), json!(null), H),
        (format!("DELETE /v1/organization/groups/{crew}"), json!(null), H),
        (user.clone(), json!({"bailiwick_role": "auditor"}), W),
        (format!("/v1/organization/users/{}", world.acme.user_id), json!({"role": "reader"}), H),
        (
            format!("DELETE /v1/organization/users/{}/roles/role-api-organization-admin", world.acme.user_id),
            json!(null),
            H,
        ),
        (INVITES.to_owned(), json!({"email": "new@example.test", "role": "owner"}), W),
        (
            INVITES.to_owned(),
            json!({"email": "new@example.test", "projects": [{"id": project, "role": "member"}]}),
            W,
        ),
        (
            format!("/v1/organization/projects/{project}/users"),
            json!({"user_id": person.id, "role": "owner"}),
            W,
        ),
        (
            format!("/v1/organization/projects/{project}/groups"),
            json!({"group_id": empty, "role": "viewer"}),
            W,
        ),
        (format!("/v1/projects/{project}/users/{}/roles", person.id), json!({"role_id": OWNER}), W),
        (
            "/v1/organization/admin_api_keys".to_owned(),
            json!({"name": "k", "owner_id": world.acme.user_id}),
            H,
        ),
    ];
    all_refused(&world, &manager, cases).await;
    let allowed: Vec<(String, Value)> = vec![
        (format!("POST {user}/roles"), json!({"role_id": id(&narrow)})),
        (into(&empty), json!({"user_id": person.id})),
        (format!("POST /v1/organization/groups/{empty}/roles"), json!({"role_id": id(&narrow)})),
        ("POST /v1/organization/admin_api_keys".to_owned(), json!({"name": "k", "owner_id": person.id})),
    ];
    for (line, body) in allowed {
        let seen = world.by(&manager, &line, body).await;
        assert_eq!(seen.status, 200, "{line}: {}", seen.text);
    }
}

#[tokio::test]
async fn a_key_for_somebody_else_acts_as_them_and_only_so_far() {
    let world = World::new().await;
    let auditor = world.person("auditor", OrganizationRole::Auditor).await;
    let body = json!({"name": "Nightly report", "owner_id": auditor.id});
    let made = admin(&world, "POST /v1/organization/admin_api_keys", body).await;
    assert_eq!(made["owner"]["id"], auditor.id);
    let key = Person { id: auditor.id.clone(), key: made["value"].as_str().unwrap().to_owned() };
    assert_eq!(world.by(&key, "GET /v1/organization/users", json!(null)).await.status, 200);
    assert_eq!(world.by(&key, "POST /v1/organization", json!({"name": "x"})).await.status, 403);
}

/// A project with an owner who is Member of the organization.
pub async fn owned(world: &World, name: &str) -> (String, Person) {
    let (place, owner) = (project(world, name).await, world.person(name, OrganizationRole::Member).await);
    let users = format!("POST /v1/organization/projects/{place}/users");
    admin(world, &users, json!({"user_id": owner.id, "role": "owner"})).await;
    (place, owner)
}

#[tokio::test]
async fn an_owner_makes_roles_of_their_project_and_gives_them_there_alone() {
    let world = World::new().await;
    let ((here, owner), (there, _)) = (owned(&world, "here").await, owned(&world, "there").await);
    let person = world.person("person", OrganizationRole::Member).await;
    let body =
        json!({"role_name": "Keeper", "permissions": ["project.read", "usage.read", "api_key.manage_own"]});
    let made = world.by(&owner, &format!("POST /v1/projects/{here}/roles"), body.clone()).await.json();
    assert_eq!(made["resource_type"], "api.project");
    let refused = |seen: Seen| seen.refusal();
    assert_eq!(refused(world.by(&owner, &format!("POST /v1/projects/{there}/roles"), body).await).0, 404);
    let archive = json!({"role_name": "Archivist", "permissions": ["project.archive"]});
    let archive = world.by(&owner, &format!("POST /v1/projects/{here}/roles"), archive).await;
    assert_eq!(archive.refusal(), refusal(403, "wider_than_giver"));
    let roles = |place: &str| format!("/v1/projects/{place}/users/{}/roles", person.id);
    let give = json!({"role_id": id(&made)});
    assert_eq!(
        refused(world.admin(&format!("POST {}", roles(&there)), give.clone()).await),
        refusal(404, "not_found")
    );
    let of_organization = json!({"role_id": "role-api-organization-admin"});
    let wrong = world.admin(&format!("POST {}", roles(&here)), of_organization).await;
    assert_eq!(wrong.refusal(), refusal(400, "role_not_for_level"));
    let foreign = json!({"role_id": format!("role-api-project-owner__api-project__{there}")});
    assert_eq!(refused(world.by(&owner, &format!("POST {}", roles(&here)), foreign).await).0, 404);
    assert_eq!(world.by(&owner, &format!("GET {}", roles(&here)), json!(null)).await.refusal().0, 404);
    let given = world.by(&owner, &format!("POST {}", roles(&here)), give).await;
    assert_eq!(given.status, 200, "{}", given.text);
    assert!(
        given.json()["user"].get("projects").is_none(),
        "their other projects are not for the owner to see"
    );
    let keys = format!("/v1/organization/projects/{here}/api_keys");
    let key = world.by(&person, &format!("POST {keys}"), json!({"name": "mine"})).await;
    assert_eq!(key.status, 200, "{}", key.text);
    let access = async || {
        let line = format!("GET {keys}/{}", id(&key.json()));
        admin(&world, &line, json!(null)).await["owner_project_access"].clone()
    };
    assert_eq!(access().await, "active");
    let listed = world.by(&owner, &format!("GET {}", roles(&here)), json!(null)).await.json();
    assert_eq!(ids(&listed), [id(&made)]);
    let take = format!("DELETE {}/{}", roles(&here), id(&made));
    assert_eq!(world.by(&owner, &take, json!(null)).await.status, 200);
    assert_eq!(access().await, "inactive");
    assert_eq!(
        world.by(&person, &format!("GET /v1/organization/projects/{here}"), json!(null)).await.status,
        404
    );
}

#[tokio::test]
async fn a_group_is_in_a_project_by_its_roles_there() {
    let world = World::new().await;
    let (place, owner) = owned(&world, "place").await;
    let (crew, person) =
        (group(&world, "Crew").await, world.person("person", OrganizationRole::Member).await);
    admin(&world, &format!("POST /v1/organization/groups/{crew}/users"), json!({"user_id": person.id})).await;
    let groups = format!("/v1/organization/projects/{place}/groups");
    let sees = async || {
        world.by(&person, &format!("GET /v1/organization/projects/{place}"), json!(null)).await.status
    };
    assert_eq!(sees().await, 404);
    let body = json!({"group_id": crew, "role": "role-api-project-viewer"});
    let added = world.by(&owner, &format!("POST {groups}"), body).await.json();
    assert_eq!((&added["object"], &added["group_name"]), (&json!("project.group"), &json!("Crew")));
    assert_eq!(sees().await, 200);
    let more = json!({"role_id": "role-api-project-member"});
    let roles = format!("/v1/projects/{place}/groups/{crew}/roles");
    assert_eq!(world.by(&owner, &format!("POST {roles}"), more).await.json()["object"], "group.role");
    let listed = world.by(&owner, &format!("GET {roles}"), json!(null)).await.json();
    assert_eq!(ids(&listed), ["role-api-project-member", "role-api-project-viewer"]);
    let theirs = format!("GET /v1/projects/{place}/users/{}/roles/role-api-project-viewer", person.id);
    let theirs = world.by(&owner, &theirs, json!(null)).await.json();
    assert_eq!(theirs["assignment_sources"][0]["principal_id"], crew);
    let listed = world.by(&owner, &format!("GET {groups}"), json!(null)).await.json();
    assert_eq!((&listed["data"][0]["group_id"], &listed["last_id"]), (&json!(crew), &json!(crew)));
    let gone = world.by(&owner, &format!("DELETE {groups}/{crew}"), json!(null)).await.json();
    assert_eq!(gone, json!({"object": "project.group.deleted", "deleted": true}));
    assert_eq!(sees().await, 404);
    assert_eq!(world.by(&owner, &format!("GET {groups}/{crew}"), json!(null)).await.refusal().0, 404);
}

#[tokio::test]
async fn owners_invite_into_their_projects_where_the_organization_lets_them() {
    let world = World::new().await;
    let ((here, owner), (there, _)) = (owned(&world, "here").await, owned(&world, "there").await);
    let invites = |place: &str| format!("/v1/organization/projects/{place}/invites");
    let body = |name: &str, role: &str| json!({"email": format!("{name}@example.test"), "role": role});
    let send = async |place: &str, name: &str, role: &str| {
        world.by(&owner, &format!("POST {}", invites(place)), body(name, role)).await
    };
    assert_eq!(send(&here, "new", "member").await.refusal(), refusal(403, "owners_do_not_invite"));
    let owners = json!({"value": "owners"});
    world.admin("POST /v1/organization/policy/member.invitations", owners).await.json();
    let sent = send(&here, "new", "viewer").await.json();
    assert_eq!(
        (&sent["bailiwick_role"], &sent["projects"][0]["bailiwick_role"]),
        (&json!("member"), &json!("viewer"))
    );
    assert!(sent["url"].as_str().unwrap().contains("/invites/"));
    assert_eq!(send(&there, "spy", "member").await.refusal().0, 404);
    world.wait(1_000);
    let wider = json!({"email": "both@example.test", "role": "reader",
        "projects": [{"id": here, "role": "member"}, {"id": there, "role": "owner"}]});
    let wider = admin(&world, "POST /v1/organization/invites", wider).await;
    let listed = world.by(&owner, &format!("GET {}", invites(&here)), json!(null)).await.json();
    assert_eq!(ids(&listed), [id(&sent), id(&wider)]);
    assert_eq!(listed["data"][1]["projects"].as_array().unwrap().len(), 1, "other projects are not told");
    assert!(!listed.to_string().contains(&there));
    let revoke = |id: &str| format!("DELETE {}/{id}", invites(&here));
    let more = world.by(&owner, &revoke(&id(&wider)), json!(null)).await;
    assert_eq!(more.refusal(), refusal(403, "invite_gives_more"));
    assert_eq!(world.by(&owner, &revoke(&id(&sent)), json!(null)).await.json()["deleted"], true);
    let theirs = admin(&world, &format!("POST {}", invites(&there)), body("theirs", "member")).await;
    assert_eq!(world.by(&owner, &revoke(&id(&theirs)), json!(null)).await.refusal().0, 404);
}

#[tokio::test]
async fn what_is_switched_off_can_be_taken_away_but_not_given() {
    let world = World::new().await;
    let person = world.person("person", OrganizationRole::Member).await;
    let (custom, crew) = (role(&world, "Custom", &["usage.read"]).await, group(&world, "Crew").await);
    settings(&world, |organization| {
        organization.features_off = [Feature::CustomRoles, Feature::Groups].into_iter().collect::<Features>();
    })
    .await;
    let give = format!("POST /v1/organization/users/{}/roles", person.id);
    for (line, body) in [
        (format!("POST {ROLES}"), json!({"role_name": "Other", "permissions": ["usage.read"]})),
        (format!("POST {ROLES}/{custom}"), json!({"role_name": "Other"})),
        (give.clone(), json!({"role_id": custom})),
        ("POST /v1/organization/groups".to_owned(), json!({"name": "Other"})),
        (format!("POST /v1/organization/groups/{crew}/users"), json!({"user_id": person.id})),
    ] {
        assert_eq!(world.admin(&line, body).await.refusal(), refusal(403, "feature_off"), "{line}");
    }
    admin(&world, &give, json!({"role_id": "role-api-organization-finance"})).await;
    for line in [format!("DELETE {ROLES}/{custom}"), format!("DELETE /v1/organization/groups/{crew}")] {
        admin(&world, &line, json!(null)).await;
    }
}

#[tokio::test]
async fn the_log_tells_roles_and_groups_in_the_compatible_words() {
    let world = World::new().await;
    let (place, _) = owned(&world, "place").await;
    let person = world.person("person", OrganizationRole::Member).await;
    let crew = group(&world, "Crew").await;
    admin(&world, &format!("POST /v1/organization/groups/{crew}"), json!({"name": "Squad"})).await;
    let custom = role(&world, "Custom", &["usage.read"]).await;
    admin(&world, &format!("POST {ROLES}/{custom}"), json!({"permissions": ["cost.read"]})).await;
    let roles = format!("/v1/projects/{place}/users/{}/roles", person.id);
    admin(&world, &format!("POST {roles}"), json!({"role_id": "role-api-project-viewer"})).await;
    admin(&world, &format!("DELETE {roles}/role-api-project-viewer"), json!(null)).await;
    let event = async |kind: &str| {
        let line = format!("GET /v1/organization/audit_logs?event_types[]={kind}");
        let list = admin(&world, &line, json!(null)).await;
        assert_eq!(list["data"].as_array().unwrap().len(), 1, "{kind}");
        list["data"][0][kind].clone()
    };
    assert_eq!(event("group.created").await["data"]["group_name"], "Crew");
    assert_eq!(event("group.updated").await["changes_requested"]["group_name"], "Squad");
    let created = event("role.created").await;
    assert_eq!((&created["id"], &created["role_name"]), (&json!(custom), &json!("Custom")));
    assert_eq!(created["permissions"], json!(["usage.read"]));
    assert_eq!(created["resource_id"], world.acme.organization_id.to_string());
    let updated = event("role.updated").await["changes_requested"].clone();
    assert_eq!(updated["permissions_added"], json!(["cost.read"]));
    assert_eq!(updated["permissions_removed"], json!(["usage.read"]));
    for kind in ["role.assignment.created", "role.assignment.deleted"] {
        let told = event(kind).await;
        assert_eq!((&told["principal_id"], &told["principal_type"]), (&json!(person.id), &json!("user")));
        assert_eq!((&told["resource_id"], &told["resource_type"]), (&json!(place), &json!("api.project")));
    }
}

#[tokio::test]
async fn a_viewer_is_chosen_everywhere_and_has_no_key() {
    let world = World::new().await;
    let (place, owner) = owned(&world, "place").await;
    let viewer = world.person("viewer", OrganizationRole::Member).await;
    let users = format!("/v1/organization/projects/{place}/users");
    let body = json!({"user_id": viewer.id, "role": "viewer"});
    let added = world.by(&owner, &format!("POST {users}"), body).await.json();
    assert_eq!((&added["role"], &added["bailiwick_role"]), (&json!("member"), &json!("viewer")));
    let read = admin(&world, &format!("GET /v1/organization/users/{}", viewer.id), json!(null)).await;
    assert_eq!(read["projects"]["object"], "list");
    assert_eq!(
        read["projects"]["data"],
        json!([{"id": place, "name": "place", "role": "member", "bailiwick_role": "viewer"}])
    );
    let key = json!({"name": "k", "owner": {"type": "user", "id": viewer.id}});
    let keys = format!("POST /v1/organization/projects/{place}/api_keys");
    let refused = world.by(&owner, &keys, key).await;
    assert_eq!(refused.refusal(), refusal(400, "owner_not_in_project"), "{}", refused.text);
    let accounts = format!("/v1/organization/projects/{place}/service_accounts");
    let made = world.by(&owner, &format!("POST {accounts}"), json!({"name": "robot"})).await.json();
    let one = format!("POST {accounts}/{}", id(&made));
    assert_eq!(world.by(&owner, &one, json!({"role": "viewer"})).await.json()["bailiwick_role"], "viewer");
}
