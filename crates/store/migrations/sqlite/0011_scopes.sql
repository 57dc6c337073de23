alter table organizations add column suspended_reason text;
alter table api_keys add column denied_models text not null default '[]';
create table model_permissions (
    project_id text primary key,
    organization_id text not null,
    mode text not null,
    model_ids text not null,
    set_by text,
    set_at bigint not null
);
create index model_permissions_of_organization on model_permissions (organization_id, project_id);
