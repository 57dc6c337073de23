alter table organizations add column suspended_at bigint;
alter table organizations add column closed_at bigint;
alter table organizations add column features_off text not null default '[]';
alter table organizations add column owners_invite boolean not null default false;
alter table members add column suspended_at bigint;
alter table members add column given_by text;
alter table members add column given_at bigint;
alter table project_members add column given_by text;
alter table project_members add column given_at bigint;
create table roles (
    id text primary key,
    organization_id text not null,
    project_id text not null,
    name text not null,
    description text not null,
    permissions text not null,
    holds_keys boolean not null,
    created_by text,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index roles_name on roles (organization_id, project_id, name);
create index roles_list on roles (organization_id, project_id, id);
create table groups (
    id text primary key,
    organization_id text not null,
    name text not null,
    created_by text,
    created_at bigint not null
);
create unique index groups_name on groups (organization_id, name);
create index groups_list on groups (organization_id, id);
create table group_members (
    group_id text not null,
    user_id text not null,
    organization_id text not null,
    added_by text,
    added_at bigint not null,
    primary key (group_id, user_id)
);
create index group_members_of_user on group_members (organization_id, user_id);
create table role_assignments (
    organization_id text not null,
    principal_id text not null,
    project_id text not null,
    role text not null,
    given_by text,
    given_at bigint not null,
    ends_at bigint,
    primary key (organization_id, principal_id, project_id, role)
);
create index role_assignments_of_role on role_assignments (role, organization_id);
create index role_assignments_of_project on role_assignments (project_id, principal_id);
create index role_assignments_by_end on role_assignments (ends_at);
