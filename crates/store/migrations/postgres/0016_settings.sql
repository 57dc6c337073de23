-- Settings that are none any more: what they asked for always holds, or nothing obeyed them yet.
delete from policy_entries where setting in ('project.owner_required', 'project.creation', 'key.owner_required', 'record.retention_days',
    'audit.retention_days', 'call.content_logging', 'call.fallbacks', 'call.open_record', 'handover.deadline_days');
delete from policy_exceptions where setting in ('project.owner_required', 'project.creation', 'key.owner_required',
    'record.retention_days', 'audit.retention_days', 'call.content_logging', 'call.fallbacks', 'call.open_record',
    'handover.deadline_days');
delete from policy_warnings where setting in ('project.owner_required', 'project.creation', 'key.owner_required', 'record.retention_days',
    'audit.retention_days', 'call.content_logging', 'call.fallbacks', 'call.open_record', 'handover.deadline_days');
-- Who may invite is a setting of policy like the others.
insert into policy_entries (organization_id, setting, level, level_id, value, mode, is_locked, set_at)
    select id, 'member.invitations', 'organization', '', '"owners"', 'enforce', false, created_at
    from organizations where owners_invite
    on conflict (organization_id, level, level_id, setting) do nothing;
alter table organizations drop column owners_invite;
