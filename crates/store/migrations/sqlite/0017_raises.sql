-- Allowances that are raised for a time, each with the amount to which it goes back.
create table allowance_raises (
    allowance_id text primary key,
    organization_id text not null,
    approval_id text not null,
    amount_before bigint not null,
    amount_raised bigint not null
);
create unique index allowance_raises_of_approval on allowance_raises (approval_id);
