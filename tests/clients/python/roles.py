"""Roles, groups, role assignments and project groups through the strict SDK."""

import openai

from people import join
from world import envelope, expect, not_found, refusal, three_pages

ADMIN, VIEWER = "role-api-organization-admin", "role-api-project-viewer"


def check_permissions_are_listed_with_a_sentence_each(world):
    listed = world.wire.get("/v1/organization/permissions").ok()
    expect((listed["object"], listed["has_more"], listed["next"]), ("list", False, None), "the list")
    for permission in listed["data"]:
        assert permission["description"].endswith("."), f"expected a sentence, got {permission}"
        assert permission["resource_type"] in ("api.organization", "api.project"), f"resource_type: {permission}"
        assert ADMIN in permission["predefined_roles"], f"expected Admin to have {permission['id']}"


def check_an_organization_role_is_made_read_changed_and_deleted(world):
    roles = world.admin.roles
    made = roles.create(role_name="Usage reader", permissions=["usage.read", "cost.read"], description="For reports.")
    expect((made.object, made.name, made.description, made.resource_type, made.predefined_role),
           ("role", "Usage reader", "For reports.", "api.organization", False), "a new role")
    expect(sorted(made.permissions), ["cost.read", "usage.read"], "its permissions")
    expect(roles.retrieve(made.id).id, made.id, "the role read back")
    changed = roles.update(made.id, role_name="Cost reader", permissions=["cost.read"], description=None)
    expect((changed.name, changed.permissions, changed.description), ("Cost reader", ["cost.read"], None), "changed")
    deleted = roles.delete(made.id)
    expect((deleted.id, deleted.object, deleted.deleted), (made.id, "role.deleted", True), "a deletion")
    not_found(lambda: roles.retrieve(made.id))


def check_roles_refuse_what_cannot_be(world):
    roles = world.admin.roles
    roles.create(role_name="Taken", permissions=["usage.read"])
    taken = refusal(openai.ConflictError, lambda: roles.create(role_name="Taken", permissions=["usage.read"]))
    expect((taken.code, taken.response.headers.get("x-should-retry")), ("role_name_taken", "false"), "a taken name")
    for fields, code in [({"role_name": "x", "permissions": ["no.such"]}, "unknown_permission"),
                         ({"role_name": "x", "permissions": []}, "permissions_required"),
                         ({"role_name": "Admin", "permissions": ["usage.read"]}, "role_name_reserved")]:
        expect(refusal(openai.BadRequestError, lambda: roles.create(**fields)).code, code, f"code for {fields}")
    for call in [lambda: roles.update(ADMIN, role_name="King"), lambda: roles.delete(ADMIN)]:
        expect(refusal(openai.BadRequestError, call).code, "role_predefined", "code for a built-in role")


def check_organization_roles_list_in_three_pages_both_ways(world):
    made = [world.admin.roles.create(role_name=f"Paged {number}", permissions=["usage.read"]).id for number in range(5)]
    three_pages(world.admin.roles.list, [ADMIN, *made])
    three_pages(lambda **page: world.admin.roles.list(order="desc", **page), [ADMIN, *made])
    envelope(world, "/v1/organization/roles")


def check_built_in_roles_are_found_by_both_forms_of_their_ids(world):
    organization, project = world.ours["ORGANIZATION_ID"], world.project.id
    for form in ["role-api-organization-owner", f"role-api-organization-owner__api-organization__{organization}"]:
        read = world.admin.roles.retrieve(form)
        expect((read.name, read.predefined_role), ("Admin", True), f"the role {form}")
    for form in ["role-api-project-viewer", f"role-api-project-viewer__api-project__{project}"]:
        read = world.admin.projects.roles.retrieve(form, project_id=project)
        expect((read.name, read.resource_type), ("Viewer", "api.project"), f"the role {form}")
    not_found(lambda: world.admin.projects.roles.retrieve(
        f"role-api-project-viewer__api-project__{world.their_project.id}", project_id=project))


def check_a_project_role_is_made_read_changed_and_deleted(world):
    roles, of = world.admin.projects.roles, {"project_id": world.project.id}
    made = roles.create(world.project.id, role_name="Keeper", permissions=["project.read", "api_key.manage_own"])
    expect((made.object, made.resource_type, made.predefined_role), ("role", "api.project", False), "a new role")
    expect(roles.retrieve(made.id, **of).name, "Keeper", "the role read back")
    expect(roles.update(made.id, **of, role_name="Guard").name, "Guard", "the new name")
    deleted = roles.delete(made.id, **of)
    expect((deleted.id, deleted.object, deleted.deleted), (made.id, "role.deleted", True), "a deletion")
    refused = refusal(openai.BadRequestError, lambda: roles.create(
        world.project.id, role_name="Wide", permissions=["member.read"]))
    expect(refused.code, "permission_not_for_level", "code for a permission of the organization")


def check_project_roles_list_in_three_pages(world):
    roles = world.admin.projects.roles
    made = [roles.create(world.project.id, role_name=f"Paged {number}", permissions=["usage.read"]).id
            for number in range(5)]
    three_pages(lambda **page: roles.list(world.project.id, **page), [VIEWER, *made])
    envelope(world, f"/v1/projects/{world.project.id}/roles")


def check_a_group_is_made_read_renamed_and_deleted(world):
    groups = world.admin.groups
    made = groups.create(name="Engineers")
    expect((made.name, made.group_type, made.is_scim_managed), ("Engineers", "group", False), "a new group")
    expect(groups.retrieve(made.id).id, made.id, "the group read back")
    expect(groups.update(made.id, name="Builders").name, "Builders", "the new name")
    assert "group_type" not in world.wire.post(f"/v1/organization/groups/{made.id}", {"name": "Makers"}).ok()
    expect(refusal(openai.ConflictError, lambda: groups.create(name="Makers")).code, "group_name_taken", "code")
    refusal(openai.BadRequestError, lambda: groups.create(name=""))
    deleted = groups.delete(made.id)
    expect((deleted.id, deleted.object, deleted.deleted), (made.id, "group.deleted", True), "a deletion")
    not_found(lambda: groups.retrieve(made.id))


def check_groups_list_in_three_pages_both_ways(world):
    made = [world.admin.groups.create(name=f"Paged {number}").id for number in range(5)]
    three_pages(world.admin.groups.list, made)
    three_pages(lambda **page: world.admin.groups.list(order="desc", **page), made)
    envelope(world, "/v1/organization/groups")


def check_people_come_into_a_group_and_leave_it(world):
    group = world.admin.groups.create(name="Crew").id
    users = [join(world, f"crew{number}@northwind.example.test") for number in range(5)]
    for user in users:
        added = world.admin.groups.users.create(group, user_id=user)
        expect((added.object, added.user_id, added.group_id), ("group.user", user, group), "somebody added")
    three_pages(lambda **page: world.admin.groups.users.list(group, **page), users)
    envelope(world, f"/v1/organization/groups/{group}/users")
    read = world.admin.groups.users.retrieve(users[0], group_id=group)
    expect((read.id, read.email, read.user_type), (users[0], "crew0@northwind.example.test", "user"), "one of them")
    gone = world.admin.groups.users.delete(users[0], group_id=group)
    expect((gone.object, gone.deleted, "id" in gone.to_dict()), ("group.user.deleted", True, False), "a removal")
    not_found(lambda: world.admin.groups.users.retrieve(users[0], group_id=group))
    not_found(lambda: world.admin.groups.users.create(group, user_id=world.theirs["USER_ID"]))


def check_a_member_is_given_roles_and_they_are_taken(world):
    user, custom = join(world, "roles@northwind.example.test"), custom_roles(world, 5)
    roles = world.admin.users.roles
    for role in custom:
        given = roles.create(user, role_id=role)
        expect((given.object, given.user.id, given.role.id), ("user.role", user, role), "a role given")
    three_pages(lambda **page: roles.list(user, **page), custom)
    three_pages(lambda **page: roles.list(user, order="desc", **page), custom)
    envelope(world, f"/v1/organization/users/{user}/roles")
    read = roles.retrieve(custom[0], user_id=user)
    expect([(source.principal_id, source.principal_type) for source in read.assignment_sources],
           [(user, "user")], "where it comes from")
    taken = roles.delete(custom[0], user_id=user)
    expect((taken.object, taken.deleted, "id" in taken.to_dict()), ("user.role.deleted", True, False), "a role taken")
    not_found(lambda: roles.retrieve(custom[0], user_id=user))
    in_use = refusal(openai.ConflictError, lambda: world.admin.roles.delete(custom[1]))
    expect(in_use.code, "role_in_use", "code for a role that somebody has")


def check_a_member_becomes_owner_by_a_role_id_and_by_an_assignment(world):
    user = join(world, "byid@northwind.example.test")
    expect(world.admin.users.update(user, role_id="role-api-organization-owner").role, "owner", "the new role")
    expect(world.admin.users.update(user, role="reader").role, "reader", "the old role")
    expect(world.admin.users.roles.create(user, role_id=ADMIN).user.role, "owner", "the role given")
    world.admin.users.roles.delete(ADMIN, user_id=user)
    expect(world.admin.users.retrieve(user).role, "reader", "the role after it was taken")


def check_a_group_is_given_roles_and_its_people_have_them(world):
    user, group = join(world, "through@northwind.example.test"), world.admin.groups.create(name="Readers").id
    custom, roles = custom_roles(world, 5), world.admin.groups.roles
    world.admin.groups.users.create(group, user_id=user)
    for role in custom:
        given = roles.create(group, role_id=role)
        expect((given.object, given.group.id, given.group.scim_managed), ("group.role", group, False), "a role given")
    three_pages(lambda **page: roles.list(group, **page), custom)
    envelope(world, f"/v1/organization/groups/{group}/roles")
    expect(roles.retrieve(custom[0], group_id=group).id, custom[0], "one of them")
    inherited = world.admin.users.roles.retrieve(custom[0], user_id=user)
    expect([(source.principal_id, source.principal_type) for source in inherited.assignment_sources],
           [(group, "group")], "where it comes from")
    refused = refusal(openai.ConflictError, lambda: world.admin.users.roles.delete(custom[0], user_id=user))
    expect(refused.code, "role_through_group", "code for a role through a group")
    expect(roles.delete(custom[0], group_id=group).object, "group.role.deleted", "a role taken")
    not_found(lambda: world.admin.users.roles.retrieve(custom[0], user_id=user))


def check_groups_come_into_a_project_and_leave_it(world):
    project = world.admin.projects.create(name="Grouped").id
    made = [world.admin.groups.create(name=f"Of a project {number}").id for number in range(5)]
    for group in made:
        added = world.admin.projects.groups.create(project, group_id=group, role=VIEWER)
        expect((added.object, added.project_id, added.group_id, added.group_type),
               ("project.group", project, group, "group"), "a group added")
    three_pages(lambda **page: world.admin.projects.groups.list(project, **page), made, lambda item: item.group_id)
    envelope(world, f"/v1/organization/projects/{project}/groups")
    read = world.admin.projects.groups.retrieve(made[0], project_id=project)
    expect(read.group_name, "Of a project 0", "the group's name")
    gone = world.admin.projects.groups.delete(made[0], project_id=project)
    expect((gone.object, gone.deleted, "id" in gone.to_dict()), ("project.group.deleted", True, False), "a removal")
    not_found(lambda: world.admin.projects.groups.retrieve(made[0], project_id=project))


def check_roles_of_a_project_are_given_to_users_and_groups(world):
    project = world.admin.projects.create(name="Roles of a project").id
    made = [world.admin.projects.roles.create(project, role_name=f"Role {number}", permissions=["usage.read"]).id
            for number in range(5)]
    user, group = join(world, "inproject@northwind.example.test"), world.admin.groups.create(name="In a project").id
    for roles, principal, of, kind in [
            (world.admin.projects.users.roles, user, {"user_id": user}, "user"),
            (world.admin.projects.groups.roles, group, {"group_id": group}, "group")]:
        of = {"project_id": project, **of}
        for role in made:
            given = roles.create(principal, project_id=project, role_id=role)
            expect((given.object, given.role.resource_type), (f"{kind}.role", "api.project"), "a role given")
        three_pages(lambda **page: roles.list(principal, project_id=project, **page), made)
        envelope(world, f"/v1/projects/{project}/{kind}s/{principal}/roles")
        expect(roles.retrieve(made[0], **of).id, made[0], "one of them")
        expect(roles.delete(made[0], **of).object, f"{kind}.role.deleted", "a role taken")
        not_found(lambda: roles.retrieve(made[0], **of))
    refused = refusal(openai.BadRequestError, lambda: world.admin.projects.users.roles.create(
        user, project_id=project, role_id=ADMIN))
    expect(refused.code, "role_not_for_level", "code for a role of the organization")


def check_a_key_stops_with_the_role_that_carried_it_and_lives_again_with_it(world):
    project = world.admin.projects.create(name="Carried").id
    group = world.admin.groups.create(name="Carriers").id
    user = join(world, "carried@northwind.example.test")
    world.admin.projects.groups.create(project, group_id=group, role="role-api-project-member")
    world.admin.groups.users.create(group, user_id=user)
    key = world.issue_key(project, owner={"type": "user", "id": user})["value"]
    world.client(key).models.list()
    world.admin.groups.users.delete(user, group_id=group)
    refusal(openai.AuthenticationError, world.client(key).models.list)
    world.admin.groups.users.create(group, user_id=user)
    world.client(key).models.list()
    custom = world.admin.projects.roles.create(project, role_name="Carrying", permissions=["api_key.manage_own"]).id
    world.admin.projects.users.roles.create(user, project_id=project, role_id=custom)
    world.admin.groups.delete(group)
    world.client(key).models.list()
    world.admin.projects.roles.update(custom, project_id=project, permissions=["usage.read"])
    refusal(openai.AuthenticationError, world.client(key).models.list)


def check_assignments_are_in_the_log_in_its_words(world):
    user = join(world, "logged@northwind.example.test")
    world.admin.projects.users.roles.create(user, project_id=world.project.id, role_id=VIEWER)
    world.admin.projects.users.roles.delete(VIEWER, user_id=user, project_id=world.project.id)
    taken, given = world.admin.audit_logs.list(resource_ids=[user], event_types=[
        "role.assignment.created", "role.assignment.deleted"]).data
    for told in [given.role_assignment_created, taken.role_assignment_deleted]:
        expect((told.principal_id, told.principal_type, told.resource_id, told.resource_type),
               (user, "user", world.project.id, "api.project"), "the event")


def check_foreign_roles_and_groups_cannot_be_seen_or_given(world):
    role = world.their_admin.roles.create(role_name="Theirs", permissions=["usage.read"]).id
    group = world.their_admin.groups.create(name="Theirs").id
    me = world.ours["USER_ID"]
    for call in [lambda: world.admin.roles.retrieve(role), lambda: world.admin.roles.delete(role),
                 lambda: world.admin.users.roles.create(me, role_id=role), lambda: world.admin.groups.retrieve(group),
                 lambda: world.admin.groups.users.create(group, user_id=me), lambda: world.admin.groups.delete(group),
                 lambda: world.admin.projects.groups.create(world.project.id, group_id=group, role=VIEWER),
                 lambda: world.admin.projects.roles.list(world.their_project.id)]:
        not_found(call)


def custom_roles(world, count):
    """The ids of some new roles of the organization."""
    taken = len(world.admin.roles.list(limit=1000).data)
    return [world.admin.roles.create(role_name=f"Role {taken + number}", permissions=["usage.read"]).id
            for number in range(count)]
