-- A secondary index begins with the column that selects, and has the tenant
-- behind it. With the tenant in front the planner, which knows nothing of a
-- tenant that is new, takes such an index for a row that the primary key names,
-- and reads all that the tenant has.

-- +goose Up
DROP INDEX group_members_of_user;
CREATE INDEX group_members_of_user ON group_members (user_id, tenant_id);

DROP INDEX devices_of_user;
CREATE INDEX devices_of_user ON devices (user_id, tenant_id);
DROP INDEX devices_once_a_user;
CREATE UNIQUE INDEX devices_once_a_user ON devices (id, user_id, tenant_id) WHERE state = 'active';

DROP INDEX prompts_of_subject;
CREATE INDEX prompts_of_subject ON prompts (subject, tenant_id, created_at);
DROP INDEX prompts_one_visible;
CREATE UNIQUE INDEX prompts_one_visible ON prompts (subject, tenant_id) WHERE state = 'pending';

DROP INDEX sessions_of_user;
CREATE INDEX sessions_of_user ON sessions (user_id, tenant_id);

DROP INDEX audit_events_of_subject;
CREATE INDEX audit_events_of_subject ON audit_events (subject_id, tenant_id, occurred_at, id);
DROP INDEX audit_events_of_thread;
CREATE INDEX audit_events_of_thread ON audit_events (thread_id, tenant_id, occurred_at);

-- Whatever tenant a statement is planned for, let the planner expect a tenth of
-- the table behind it: then a whole key always looks better than the tenant alone.
ALTER TABLE users ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE group_members ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE devices ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE enrolments ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE prompts ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE attempts ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE throttles ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE habits ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE sessions ALTER COLUMN tenant_id SET (n_distinct = 10);
ALTER TABLE outbox ALTER COLUMN tenant_id SET (n_distinct = 10);

-- +goose Down
ALTER TABLE users ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE group_members ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE devices ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE enrolments ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE prompts ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE attempts ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE throttles ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE habits ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE sessions ALTER COLUMN tenant_id RESET (n_distinct);
ALTER TABLE outbox ALTER COLUMN tenant_id RESET (n_distinct);

DROP INDEX audit_events_of_thread;
CREATE INDEX audit_events_of_thread ON audit_events (tenant_id, thread_id, occurred_at);
DROP INDEX audit_events_of_subject;
CREATE INDEX audit_events_of_subject ON audit_events (tenant_id, subject_id, occurred_at, id);

DROP INDEX sessions_of_user;
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id);

DROP INDEX prompts_one_visible;
CREATE UNIQUE INDEX prompts_one_visible ON prompts (tenant_id, subject) WHERE state = 'pending';
DROP INDEX prompts_of_subject;
CREATE INDEX prompts_of_subject ON prompts (tenant_id, subject, created_at);

DROP INDEX devices_once_a_user;
CREATE UNIQUE INDEX devices_once_a_user ON devices (tenant_id, user_id, id) WHERE state = 'active';
DROP INDEX devices_of_user;
CREATE INDEX devices_of_user ON devices (tenant_id, user_id);

DROP INDEX group_members_of_user;
CREATE INDEX group_members_of_user ON group_members (tenant_id, user_id);
