-- Programs outside that get every audit event of a tenant; see app/consumer.
-- +goose Up
CREATE TABLE consumers (
    tenant_id      text        NOT NULL REFERENCES tenants (id),
    id             text        NOT NULL,
    kind           text        NOT NULL,             -- webhook, syslog
    name           text        NOT NULL,
    form           text        NOT NULL,             -- of events, see app/eventform
    url            text        NOT NULL,
    roots          text        NOT NULL,             -- certificates that it is trusted by, PEM; empty: those of the system
    secret         text        NOT NULL,             -- sealed; empty for syslog
    personal       boolean     NOT NULL,             -- addresses and names go along
    state          text        NOT NULL,             -- active, paused
    first_n        bigint      NOT NULL,             -- the first event that it gets
    next_n         bigint      NOT NULL,             -- the next one
    failures       integer     NOT NULL DEFAULT 0,   -- in a row
    fault          text        NOT NULL DEFAULT '',  -- of the last one
    failing_since  timestamptz,
    told_at        timestamptz,                      -- when administrators were told that it does not take events
    due_at         timestamptz NOT NULL,
    delivered_at   timestamptz,
    claim          text        NOT NULL DEFAULT '',  -- of the replica that is at it
    claimed_until  timestamptz,
    tested_at      timestamptz,
    test_fault     text        NOT NULL DEFAULT '',
    version        integer     NOT NULL,
    changed_by     text        NOT NULL,
    changed_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX consumers_due ON consumers (due_at) WHERE state = 'active';
SELECT tenant_wall('consumers');

-- +goose Down
DROP TABLE consumers;
