-- A plan is made once a connection, often while a table holds next to nothing: all indexes that fit a condition cost the same
-- then, and one that merely begins with the tenant was taken for the key, and kept while the table grew. Under a collation of
-- its own (all of them compare bytes) the tenant of an index fits only the conditions that name it.
drop index cases_open;
create unique index cases_open on cases (tenant_id collate "C", open_key) where open_key is not null;
drop index cases_created;
create index cases_created on cases (tenant_id collate "POSIX", created_at desc);
drop index executions_leased;
create index executions_leased on executions (lease_until) where lease_until is not null; -- its status would fit look-ups, too
drop index executions_case;
create index executions_case on executions (tenant_id collate "C", case_id);
drop index waits_case;
create index waits_case on waits (tenant_id collate "C", case_id);
drop index incidents_taking;
create unique index incidents_taking on incidents (tenant_id collate "C", key) where taking;
drop index incident_members_incident;
create index incident_members_incident on incident_members (tenant_id collate "C", incident_id, joined_at);
