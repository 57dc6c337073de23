create table providers (
    id text primary key,
    organization_id text not null,
    name text not null,
    kind text not null,
    base_url text not null,
    credential bytea,
    credential_version bigint not null,
    models text,
    project_ids text,
    contract_owner text not null,
    created_at bigint not null,
    removed_at bigint
);
create unique index providers_name on providers (organization_id, name) where removed_at is null;
create index providers_list on providers (organization_id, id);
create table prices (
    id text primary key,
    organization_id text not null,
    model text not null,
    kind text not null,
    rates text not null,
    context_tokens bigint,
    max_output_tokens bigint,
    effective_from bigint not null,
    source text not null,
    created_at bigint not null
);
create unique index prices_of_model on prices (organization_id, kind, model, effective_from);
