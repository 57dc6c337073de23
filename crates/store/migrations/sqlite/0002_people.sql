create table users (
    id text primary key,
    email text not null unique,
    name text not null,
    password_hash text,
    created_at bigint not null
);
create table organizations (
    id text primary key,
    name text not null,
    slug text not null unique,
    time_zone text not null,
    created_at bigint not null
);
create table members (
    organization_id text not null,
    user_id text not null,
    role text not null,
    added_at bigint not null,
    primary key (organization_id, user_id)
);
create index members_by_user on members (user_id, organization_id);
create table sessions (
    id text primary key,
    token_hash blob not null unique,
    user_id text not null,
    address text,
    user_agent text,
    created_at bigint not null,
    seen_at bigint not null,
    ends_at bigint not null
);
create index sessions_by_user on sessions (user_id);
create index sessions_by_end on sessions (ends_at);
create table sign_in_attempts (
    subject text not null,
    window_start bigint not null,
    count bigint not null,
    primary key (subject, window_start)
);
create table set_up_link (
    only_row bigint primary key,
    token_hash blob not null,
    created_at bigint not null
);
create table invites (
    id text primary key,
    organization_id text not null,
    email text not null,
    role text not null,
    invited_by text not null,
    token_hash blob not null unique,
    created_at bigint not null,
    expires_at bigint not null,
    accepted_at bigint,
    revoked_at bigint
);
create index invites_by_organization on invites (organization_id, id);
create table invite_projects (
    invite_id text not null,
    project_id text not null,
    role text not null,
    primary key (invite_id, project_id)
);
create table idempotency (
    key text primary key,
    claim text not null,
    body_hash text not null,
    answer blob,
    claimed_at bigint not null,
    ends_at bigint not null
);
create index idempotency_by_end on idempotency (ends_at);
