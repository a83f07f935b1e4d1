-- Alarms over the audit; see app/alarm.
-- +goose Up

-- What a tenant says of a rule; without a row it is as the program has it.
CREATE TABLE alarm_rules (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    rule         text        NOT NULL,
    active       boolean     NOT NULL,
    threshold    integer     NOT NULL,             -- events
    minutes      integer     NOT NULL,             -- within which they count
    mail         boolean     NOT NULL,             -- security administrators are told
    consumer_id  text        NOT NULL,             -- a webhook of the tenant that is told; empty: none
    version      integer     NOT NULL,
    changed_by   text        NOT NULL,
    changed_at   timestamp NOT NULL,
    PRIMARY KEY (tenant_id, rule)
);

-- How far the audit of a tenant was looked at. Of a tenant without a row that is nothing yet.
CREATE TABLE alarm_positions (
    tenant_id  text   PRIMARY KEY REFERENCES tenants (id),
    next_n     bigint NOT NULL
);
INSERT INTO alarm_positions (tenant_id, next_n) SELECT a.tenant_id, a.size FROM audit_trees a JOIN tenants t ON t.id = a.tenant_id;

CREATE TABLE alarms (
    tenant_id        text        NOT NULL REFERENCES tenants (id),
    id               text        NOT NULL,
    rule             text        NOT NULL,
    about_kind       text        NOT NULL,             -- user, tenant, witness
    about_id         text        NOT NULL,
    test             boolean     NOT NULL,
    count            bigint      NOT NULL,             -- events so far
    first_at         timestamp NOT NULL,
    last_at          timestamp NOT NULL,
    next_n           bigint      NOT NULL,             -- place in the tree behind the last of them
    raised_at        timestamp NOT NULL,
    acknowledged_at  timestamp,
    acknowledged_by  text        NOT NULL DEFAULT '',
    note             text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX alarms_of_rule ON alarms (tenant_id, rule, about_id, last_at);
CREATE INDEX alarms_open ON alarms (tenant_id, raised_at) WHERE acknowledged_at IS NULL;
CREATE INDEX alarms_acknowledged ON alarms (tenant_id, acknowledged_at) WHERE acknowledged_at IS NOT NULL;

-- +goose Down
DROP TABLE alarms;
DROP TABLE alarm_positions;
DROP TABLE alarm_rules;
