-- How long the audit is kept, and what was dropped from it; see app/retention and app/checkpoint.
-- +goose Up

-- What a tenant says; without a row everything is kept for ever.
CREATE TABLE audit_keeping (
    tenant_id       text        PRIMARY KEY REFERENCES tenants (id),
    signins         integer     NOT NULL DEFAULT 0,   -- months; 0: for ever
    administration  integer     NOT NULL DEFAULT 0,
    holds           integer     NOT NULL DEFAULT 0,   -- that stand: while there is one nothing is dropped
    version         integer     NOT NULL DEFAULT 0,
    changed_by      text        NOT NULL DEFAULT '',
    changed_at      timestamp,
    due_at          timestamp NOT NULL,             -- before it nothing is dropped, and it is not looked for it
    claim           text        NOT NULL DEFAULT '',  -- of the replica that is at it
    claimed_until   timestamp,
    fault           text        NOT NULL DEFAULT ''   -- why what is due could not be dropped
);
CREATE INDEX audit_keeping_due ON audit_keeping (due_at) WHERE signins > 0 OR administration > 0;

CREATE TABLE audit_holds (
    tenant_id     text        NOT NULL REFERENCES tenants (id),
    id            text        NOT NULL,
    reason        text        NOT NULL,
    ticket        text        NOT NULL,
    begun_by      text        NOT NULL,
    begun_at      timestamp NOT NULL,
    ended_by      text        NOT NULL DEFAULT '',
    ended_at      timestamp,
    ended_reason  text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id)
);

-- Each is one signed note. It is open in the transaction that writes it, and in no other one.
CREATE TABLE audit_drops (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    class       text        NOT NULL,
    month       text        NOT NULL,             -- 2026-01
    part        integer     NOT NULL,             -- from 1
    from_at     timestamp NOT NULL,             -- the month
    until_at    timestamp NOT NULL,
    events      bigint      NOT NULL,
    note        text        NOT NULL,
    archive     text        NOT NULL,             -- name of the file
    host        text        NOT NULL,             -- of the replica that wrote it
    made_at     timestamp NOT NULL,
    open        boolean     NOT NULL,
    PRIMARY KEY (tenant_id, class, month, part)
);
CREATE INDEX audit_drops_open ON audit_drops (tenant_id) WHERE open;
CREATE INDEX audit_drops_newest ON audit_drops (tenant_id, made_at);

-- The leaves of the tree whose events they took.
CREATE TABLE audit_drop_spans (
    tenant_id  text    NOT NULL,
    first_n    bigint  NOT NULL,
    last_n     bigint  NOT NULL,
    class      text    NOT NULL,
    month      text    NOT NULL,
    part       integer NOT NULL,
    PRIMARY KEY (tenant_id, first_n),
    FOREIGN KEY (tenant_id, class, month, part) REFERENCES audit_drops (tenant_id, class, month, part)
);
CREATE INDEX audit_drop_spans_of_drop ON audit_drop_spans (tenant_id, class, month, part);

-- The whole event may go when its leaf is one of a drop that is open, of the month in which it
-- happened. Whether that is signed the database cannot say: who verifies does.
DROP TRIGGER audit_events_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM audit_leaves l
    JOIN audit_drops d ON d.tenant_id = l.tenant_id AND d.open AND OLD.occurred_at >= d.from_at AND OLD.occurred_at < d.until_at
    JOIN audit_drop_spans s ON s.tenant_id = l.tenant_id AND s.first_n = (SELECT max(x.first_n) FROM audit_drop_spans x WHERE x.tenant_id = l.tenant_id AND x.first_n <= l.n)
    WHERE l.tenant_id = OLD.tenant_id AND l.occurred_at = OLD.occurred_at AND l.event_id = OLD.id
    AND s.last_n >= l.n AND s.class = d.class AND s.month = d.month AND s.part = d.part)
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_drops_no_update BEFORE UPDATE ON audit_drops
WHEN NOT (OLD.open AND NOT NEW.open AND NEW.tenant_id IS OLD.tenant_id AND NEW.class IS OLD.class AND NEW.month IS OLD.month AND NEW.part IS OLD.part AND NEW.from_at IS OLD.from_at AND NEW.until_at IS OLD.until_at AND NEW.events IS OLD.events AND NEW.note IS OLD.note AND NEW.archive IS OLD.archive AND NEW.host IS OLD.host AND NEW.made_at IS OLD.made_at)
BEGIN
    SELECT RAISE(ABORT, 'drops of audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_drops_no_delete BEFORE DELETE ON audit_drops
BEGIN
    SELECT RAISE(ABORT, 'drops of audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_drop_spans_no_insert BEFORE INSERT ON audit_drop_spans
WHEN NOT EXISTS (SELECT 1 FROM audit_drops d WHERE d.tenant_id = NEW.tenant_id AND d.class = NEW.class AND d.month = NEW.month AND d.part = NEW.part AND d.open)
BEGIN
    SELECT RAISE(ABORT, 'drops of audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_drop_spans_no_update BEFORE UPDATE ON audit_drop_spans
BEGIN
    SELECT RAISE(ABORT, 'drops of audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_drop_spans_no_delete BEFORE DELETE ON audit_drop_spans
BEGIN
    SELECT RAISE(ABORT, 'drops of audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER audit_events_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
DROP TABLE audit_drop_spans;
DROP TABLE audit_drops;
DROP TABLE audit_holds;
DROP TABLE audit_keeping;
