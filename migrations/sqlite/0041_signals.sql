-- Signals on agents of the helpdesk; see app/signals.
-- +goose Up
ALTER TABLE bypasses ADD COLUMN out_of_hours boolean NOT NULL DEFAULT FALSE;  -- of the desk, when it was given
ALTER TABLE bypasses ADD COLUMN again boolean NOT NULL DEFAULT FALSE;         -- the same agent for the same person within 30 days
ALTER TABLE bypasses ADD COLUMN own_team boolean NOT NULL DEFAULT FALSE;      -- of the agent, when it was given
ALTER TABLE bypasses ADD COLUMN disowned_at timestamp;                      -- its person said that it was not them
UPDATE bypasses SET again = EXISTS (SELECT 1 FROM bypasses o WHERE o.user_id = bypasses.user_id AND o.tenant_id = bypasses.tenant_id AND o.requested_by = bypasses.requested_by
    AND o.created_at < bypasses.created_at AND julianday(o.created_at) > julianday(bypasses.created_at) - 30);
UPDATE bypasses SET disowned_at = (SELECT min(d.used_at) FROM disownings d WHERE d.tenant_id = bypasses.tenant_id AND d.bypass_id = bypasses.id);
CREATE INDEX bypasses_by_time ON bypasses (created_at, tenant_id);
CREATE INDEX caller_checks_of_tenant ON caller_checks (tenant_id, begun_at);
CREATE INDEX caller_checks_of_agent ON caller_checks (agent_id, begun_at, tenant_id);
CREATE INDEX audit_events_held_checks ON audit_events (tenant_id, occurred_at) WHERE action = 'caller_check.refused';

-- When the desk works, as JSON; empty: it has not said.
ALTER TABLE tenants ADD COLUMN desk_hours text NOT NULL DEFAULT '';

-- Leads who were told in a week that there is something to look at.
CREATE TABLE agent_notices (
    tenant_id  text        NOT NULL,
    user_id    text        NOT NULL,
    week       text        NOT NULL,  -- its Monday
    told_at    timestamp NOT NULL,
    PRIMARY KEY (tenant_id, user_id, week),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

-- +goose Down
DROP TABLE agent_notices;
ALTER TABLE tenants DROP COLUMN desk_hours;
DROP INDEX audit_events_held_checks;
DROP INDEX caller_checks_of_agent;
DROP INDEX caller_checks_of_tenant;
DROP INDEX bypasses_by_time;
ALTER TABLE bypasses DROP COLUMN disowned_at;
ALTER TABLE bypasses DROP COLUMN own_team;
ALTER TABLE bypasses DROP COLUMN again;
ALTER TABLE bypasses DROP COLUMN out_of_hours;
