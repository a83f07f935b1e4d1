-- The tree of each tenant over its audit events, and the signed heads of it; see app/checkpoint.
-- +goose Up
CREATE TABLE audit_leaves (
    tenant_id    text        NOT NULL,
    n            bigint      NOT NULL,             -- from 0, without a gap
    occurred_at  timestamp   NOT NULL,
    event_id     text        NOT NULL,
    hash         blob        NOT NULL,
    PRIMARY KEY (tenant_id, n)
) WITHOUT ROWID;
CREATE UNIQUE INDEX audit_leaves_of_event ON audit_leaves (tenant_id, occurred_at, event_id);

-- Nodes over whole subtrees of 256, 65536, … leaves, for proofs.
CREATE TABLE audit_nodes (
    tenant_id  text    NOT NULL,
    level      integer NOT NULL,
    n          bigint  NOT NULL,
    hash       blob    NOT NULL,
    PRIMARY KEY (tenant_id, level, n)
) WITHOUT ROWID;

CREATE TABLE audit_trees (
    tenant_id    text        PRIMARY KEY,
    size         bigint      NOT NULL,
    root         blob        NOT NULL,
    edge         blob        NOT NULL,             -- the whole subtrees that it is made of, the largest first
    signed_size  bigint      NOT NULL DEFAULT 0,
    signed_at    timestamp,
    fault        text        NOT NULL DEFAULT ''   -- why it is not signed
);
CREATE INDEX audit_trees_to_sign ON audit_trees (signed_at) WHERE size > signed_size;

CREATE TABLE audit_checkpoints (
    tenant_id  text        NOT NULL,
    number     bigint      NOT NULL,               -- of the whole platform, from 1 without a gap
    size       bigint      NOT NULL,
    root       blob        NOT NULL,
    note       text        NOT NULL,
    made_at    timestamp   NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
CREATE UNIQUE INDEX audit_checkpoints_in_order ON audit_checkpoints (number);

CREATE TABLE audit_keys (
    id        text        PRIMARY KEY,
    public    text        NOT NULL,                -- as a signed note names it
    private   text        NOT NULL,                -- sealed
    handover  text        NOT NULL,                -- a note in which the key before names this one; empty for the first
    made_at   timestamp   NOT NULL
);

CREATE TABLE audit_witnesses (
    name           text        PRIMARY KEY,
    reached        bigint      NOT NULL,           -- number of the last checkpoint that it has
    kept_at        timestamp,
    seen_at        timestamp   NOT NULL,
    claimed_until  timestamp,
    fault          text        NOT NULL DEFAULT ''
);

-- How far sealing is: one row. There is one writer, so what is done is the number of a row.
CREATE TABLE audit_sealing (
    id           integer     PRIMARY KEY CHECK (id = 1),
    cluster      text        NOT NULL,
    done         text        NOT NULL,
    goal         text        NOT NULL,
    upto         text        NOT NULL,
    walking      boolean     NOT NULL,
    walk_tenant  text        NOT NULL,
    walk_at      timestamp   NOT NULL,
    walk_id      text        NOT NULL,
    checkpoints  bigint      NOT NULL              -- number of the last one
);
INSERT INTO audit_sealing VALUES (1, '', '0', '', '', false, '', '0001-01-01 00:00:00+00:00', '', 0);

-- Personal data of an event may go, with their salt. Nothing else of it may.
DROP TRIGGER audit_events_no_update;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN NOT (NEW.personal = '' AND NEW.salt = '' AND NEW.tenant_id IS OLD.tenant_id AND NEW.id IS OLD.id AND NEW.occurred_at IS OLD.occurred_at
    AND NEW.action IS OLD.action AND NEW.outcome IS OLD.outcome AND NEW.reason IS OLD.reason AND NEW.actor_kind IS OLD.actor_kind AND NEW.actor_id IS OLD.actor_id
    AND NEW.target_kind IS OLD.target_kind AND NEW.target_id IS OLD.target_id AND NEW.subject_id IS OLD.subject_id AND NEW.thread_id IS OLD.thread_id
    AND NEW.request_id IS OLD.request_id AND NEW.record IS OLD.record AND NEW.rowid IS OLD.rowid)
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_leaves_no_update BEFORE UPDATE ON audit_leaves
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_leaves_no_delete BEFORE DELETE ON audit_leaves
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_nodes_no_update BEFORE UPDATE ON audit_nodes
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_nodes_no_delete BEFORE DELETE ON audit_nodes
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit_sealing;
DROP TABLE audit_witnesses;
DROP TABLE audit_keys;
DROP TABLE audit_checkpoints;
DROP TABLE audit_trees;
DROP TABLE audit_nodes;
DROP TABLE audit_leaves;
DROP TRIGGER audit_events_no_update;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
