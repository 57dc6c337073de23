"""Users, invites and project users through the strict SDK."""

import re

import openai

from join import accept
from world import envelope, expect, not_found, refusal, three_pages

PASSWORD = "a passphrase for the newcomer 9"


def check_the_first_admin_is_an_owner(world):
    me = world.admin.users.retrieve(world.ours["USER_ID"])
    expect((me.object, me.email, me.role), ("organization.user", world.ours["EMAIL"], "owner"), "the first Admin")


def check_an_invite_is_sent_read_and_withdrawn(world):
    invite = world.admin.invites.create(
        email="new@northwind.example.test", role="reader", projects=[{"id": world.project.id, "role": "member"}])
    expect((invite.object, invite.email, invite.role, invite.status),
           ("organization.invite", "new@northwind.example.test", "reader", "pending"), "a new invite")
    expect([(project.id, project.role) for project in invite.projects], [(world.project.id, "member")], "its projects")
    expect(world.admin.invites.retrieve(invite.id).id, invite.id, "the invite that was read back")
    deleted = world.admin.invites.delete(invite.id)
    expect((deleted.object, deleted.deleted), ("organization.invite.deleted", True), "the answer to a withdrawal")


def check_invites_list_in_three_pages(world):
    made = [world.admin.invites.create(email=f"paged{number}@northwind.example.test", role="reader", projects=[]).id
            for number in range(5)]
    three_pages(world.admin.invites.list, made)
    envelope(world, "/v1/organization/invites")


def check_invites_refuse_what_is_not_an_address_or_a_role(world):
    refusal(openai.BadRequestError, lambda: world.admin.invites.create(email="nobody", role="reader"))
    refusal(openai.BadRequestError, lambda: world.admin.invites.create(email="a@example.test", role="king"))


def check_an_invite_into_a_foreign_project_is_refused(world):
    not_found(lambda: world.admin.invites.create(
        email="spy@northwind.example.test", role="reader", projects=[{"id": world.their_project.id, "role": "owner"}]))


def check_accepted_invites_make_members_that_list_in_three_pages(world):
    joined = [join(world, f"member{number}@northwind.example.test") for number in range(5)]
    three_pages(world.admin.users.list, joined)
    envelope(world, "/v1/organization/users")
    picked = world.admin.users.list(emails=["member1@northwind.example.test", "member3@northwind.example.test"])
    expect({user.email for user in picked}, {"member1@northwind.example.test", "member3@northwind.example.test"},
           "users by their addresses")


def check_project_users_are_added_read_updated_and_removed(world):
    user = member(world, 0)
    added = world.admin.projects.users.create(world.project.id, user_id=user, role="member")
    expect((added.object, added.id, added.role), ("organization.project.user", user, "member"), "a project user")
    updated = world.admin.projects.users.update(user, project_id=world.project.id, role="owner")
    expect(updated.role, "owner", "the new role")
    read = world.admin.projects.users.retrieve(user, project_id=world.project.id)
    expect((read.role, read.email), ("owner", "member0@northwind.example.test"), "the project user read back")
    deleted = world.admin.projects.users.delete(user, project_id=world.project.id)
    expect((deleted.id, deleted.deleted), (user, True), "the answer to a removal")
    not_found(lambda: world.admin.projects.users.retrieve(user, project_id=world.project.id))


def check_a_project_user_is_added_by_address_too(world):
    added = world.admin.projects.users.create(world.project.id, email="member0@northwind.example.test", role="member")
    expect(added.email, "member0@northwind.example.test", "the address")
    world.admin.projects.users.delete(added.id, project_id=world.project.id)


def check_project_users_list_in_three_pages(world):
    project = world.admin.projects.create(name="Crowded")
    users = [member(world, number) for number in range(5)]
    for user in users:
        world.admin.projects.users.create(project.id, user_id=user, role="member")
    three_pages(lambda **page: world.admin.projects.users.list(project.id, **page), users)
    envelope(world, f"/v1/organization/projects/{project.id}/users")


def check_a_foreign_user_cannot_be_seen_or_added(world):
    theirs = world.their_admin.users.retrieve(world.theirs["USER_ID"]).id
    not_found(lambda: world.admin.users.retrieve(theirs))
    not_found(lambda: world.admin.users.update(theirs, role="owner"))
    not_found(lambda: world.admin.users.delete(theirs))
    not_found(lambda: world.admin.projects.users.create(world.project.id, user_id=theirs, role="owner"))


def check_a_member_becomes_admin_and_reader_again_and_is_removed(world):
    user = member(world, 4)
    expect(world.admin.users.update(user, role="owner").role, "owner", "the new role")
    expect(world.admin.users.update(user, role="reader").role, "reader", "the old role")
    deleted = world.admin.users.delete(user)
    expect((deleted.object, deleted.id, deleted.deleted), ("organization.user.deleted", user, True), "a removal")
    not_found(lambda: world.admin.users.retrieve(user))


def check_the_last_admin_cannot_be_demoted_or_removed(world):
    me = world.ours["USER_ID"]
    for call in [lambda: world.admin.users.update(me, role="reader"), lambda: world.admin.users.delete(me)]:
        refused = refusal(openai.ConflictError, call)
        expect(refused.code, "last_admin", "code")
        expect(refused.response.headers.get("x-should-retry"), "false", "x-should-retry")
    expect(world.admin.users.retrieve(me).role, "owner", "the role after both attempts")


def join(world, email, role="reader", projects=()):
    """Invites an address and accepts as that person; gives their user id."""
    answer = world.wire.post("/v1/organization/invites", {"email": email, "role": role, "projects": list(projects)})
    answer.ok()
    link = re.search(r'"([^"]*/invites/[^"]+)"', answer.text)
    assert link, f"expected the link of the invitation in its answer, as no mail is configured: {answer.text}"
    accept(link.group(1), email.partition("@")[0].title(), PASSWORD)
    [user] = world.admin.users.list(emails=[email]).data
    return user.id


def member(world, number):
    """The id of one of the five who joined."""
    [user] = world.admin.users.list(emails=[f"member{number}@northwind.example.test"]).data
    return user.id
