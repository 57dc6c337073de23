create table projects (
    id text primary key,
    organization_id text not null,
    name text not null,
    description text not null,
    environment text not null,
    workload text not null,
    risk text not null,
    team text,
    product_line text,
    cost_center text,
    client text,
    tags text not null,
    accountable_owner_id text,
    created_at bigint not null,
    archived_at bigint
);
create unique index projects_name on projects (organization_id, name) where archived_at is null;
create index projects_list on projects (organization_id, id);
create table project_members (
    project_id text not null,
    organization_id text not null,
    user_id text not null,
    role text not null,
    added_at bigint not null,
    primary key (project_id, user_id)
);
create index project_members_of_user on project_members (organization_id, user_id);
create table service_accounts (
    id text primary key,
    organization_id text not null,
    project_id text not null,
    name text not null,
    role text,
    key_owner_id text not null,
    created_at bigint not null,
    deleted_at bigint
);
create index service_accounts_list on service_accounts (project_id, id);
create table api_keys (
    id text primary key,
    organization_id text not null,
    project_id text,
    kind text not null,
    name text not null,
    description text not null,
    tags text not null,
    owner_user_id text,
    owner_service_account_id text,
    created_by text not null,
    created_at bigint not null,
    expires_at bigint,
    disabled_at bigint,
    revoked_at bigint,
    last_used_at bigint,
    redacted text not null,
    models text,
    scopes text not null,
    secret_id text not null,
    secret_version bigint not null
);
create index api_keys_of_project on api_keys (project_id, id);
create index api_keys_of_organization on api_keys (organization_id, kind, id);
create index api_keys_of_user on api_keys (owner_user_id, organization_id, id);
create index api_keys_of_service_account on api_keys (owner_service_account_id, id);
create table api_key_secrets (
    id text primary key,
    key_id text not null,
    hash blob not null,
    version bigint not null,
    created_at bigint not null,
    ends_at bigint
);
create unique index api_key_secrets_hash on api_key_secrets (hash);
create index api_key_secrets_of_key on api_key_secrets (key_id, version);
