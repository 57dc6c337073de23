create table permission_uses (
    organization_id text not null,
    user_id text not null,
    permission text not null,
    project_id text not null,
    day bigint not null,
    primary key (organization_id, user_id, permission, project_id)
);
create table reviews (
    id text primary key,
    organization_id text not null,
    name text not null,
    opened_by text,
    opened_at bigint not null,
    due_at bigint,
    closed_by text,
    closed_at bigint
);
create index reviews_list on reviews (organization_id, id);
create table review_items (
    id text primary key,
    review_id text not null,
    organization_id text not null,
    user_id text not null,
    user_name text not null,
    user_email text not null,
    joined_at bigint not null,
    source text not null,
    role text not null,
    role_name text not null,
    permissions text not null,
    project_id text,
    project_name text not null,
    group_id text,
    group_name text not null,
    given_by text,
    given_at bigint not null,
    uses text not null,
    proposal text not null,
    proposed_role text,
    decision text,
    decided_role text,
    note text not null,
    decided_by text,
    decided_at bigint
);
create index review_items_list on review_items (review_id, id);
