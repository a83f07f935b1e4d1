-- The tree of each tenant over its audit events, and the signed heads of it; see app/checkpoint.
-- +goose Up

-- The transaction that wrote an event: what is sealed is told from what was committed since
-- by snapshots of transactions, not by the order of numbers. Events from before this have the
-- 1, which no transaction has, and cost no rewriting.
ALTER TABLE audit_events ADD COLUMN written_in xid8 NOT NULL DEFAULT '1';
ALTER TABLE audit_events ALTER COLUMN written_in SET DEFAULT pg_current_xact_id();
CREATE INDEX audit_events_to_seal ON audit_events (written_in) WHERE written_in > '1';

CREATE TABLE audit_leaves (
    tenant_id    text        NOT NULL,
    n            bigint      NOT NULL,             -- from 0, without a gap
    occurred_at  timestamptz NOT NULL,
    event_id     text        NOT NULL,
    hash         bytea       NOT NULL,
    PRIMARY KEY (tenant_id, n)
);
CREATE UNIQUE INDEX audit_leaves_of_event ON audit_leaves (tenant_id, occurred_at, event_id);

-- Nodes over whole subtrees of 256, 65536, … leaves, for proofs.
CREATE TABLE audit_nodes (
    tenant_id  text    NOT NULL,
    level      integer NOT NULL,
    n          bigint  NOT NULL,
    hash       bytea   NOT NULL,
    PRIMARY KEY (tenant_id, level, n)
);

CREATE TABLE audit_trees (
    tenant_id    text        PRIMARY KEY,
    size         bigint      NOT NULL,
    root         bytea       NOT NULL,
    edge         bytea       NOT NULL,             -- the whole subtrees that it is made of, the largest first
    signed_size  bigint      NOT NULL DEFAULT 0,
    signed_at    timestamptz,
    fault        text        NOT NULL DEFAULT ''   -- why it is not signed
);
CREATE INDEX audit_trees_to_sign ON audit_trees (signed_at) WHERE size > signed_size;

CREATE TABLE audit_checkpoints (
    tenant_id  text        NOT NULL,
    number     bigint      NOT NULL,               -- of the whole platform, from 1 without a gap
    size       bigint      NOT NULL,
    root       bytea       NOT NULL,
    note       text        NOT NULL,
    made_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
CREATE UNIQUE INDEX audit_checkpoints_in_order ON audit_checkpoints (number);

CREATE TABLE audit_keys (
    id        text        PRIMARY KEY,
    public    text        NOT NULL,                -- as a signed note names it
    private   text        NOT NULL,                -- sealed
    handover  text        NOT NULL,                -- a note in which the key before names this one; empty for the first
    made_at   timestamptz NOT NULL
);

CREATE TABLE audit_witnesses (
    name           text        PRIMARY KEY,
    reached        bigint      NOT NULL,           -- number of the last checkpoint that it has
    kept_at        timestamptz,
    seen_at        timestamptz NOT NULL,
    claimed_until  timestamptz,
    fault          text        NOT NULL DEFAULT ''
);

-- How far sealing is: one row.
CREATE TABLE audit_sealing (
    id           integer     PRIMARY KEY CHECK (id = 1),
    cluster      text        NOT NULL,             -- whose transactions these are
    done         text        NOT NULL,             -- a snapshot: what it shows is sealed
    goal         text        NOT NULL,             -- the one that is being reached, or empty
    upto         text        NOT NULL,             -- the transaction up to which it is
    walking      boolean     NOT NULL,             -- through events that have no transaction
    walk_tenant  text        NOT NULL,
    walk_at      timestamptz NOT NULL,
    walk_id      text        NOT NULL,
    checkpoints  bigint      NOT NULL              -- number of the last one
);
INSERT INTO audit_sealing VALUES (1, '', '3:3:', '', '1', true, '', '0001-01-01Z', '', 0);

SELECT tenant_wall('audit_leaves');
SELECT tenant_wall('audit_nodes');
SELECT tenant_wall('audit_trees');
SELECT tenant_wall('audit_checkpoints');

-- Personal data of an event may go, with their salt. Nothing else of it may.
-- +goose StatementBegin
CREATE FUNCTION audit_events_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.personal = '' AND NEW.salt = '' THEN
        OLD.personal := '';
        OLD.salt := '';
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit events are never changed or deleted';
END $$;
-- +goose StatementEnd
DROP TRIGGER audit_events_stay ON audit_events;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_change();
CREATE TRIGGER audit_leaves_stay BEFORE UPDATE OR DELETE ON audit_leaves FOR EACH ROW EXECUTE FUNCTION audit_events_stay();
CREATE TRIGGER audit_nodes_stay BEFORE UPDATE OR DELETE ON audit_nodes FOR EACH ROW EXECUTE FUNCTION audit_events_stay();
CREATE TRIGGER audit_checkpoints_stay BEFORE UPDATE OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_events_stay();

-- +goose Down
DROP TRIGGER audit_events_stay ON audit_events;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_stay();
DROP FUNCTION audit_events_change();
DROP TABLE audit_sealing;
DROP TABLE audit_witnesses;
DROP TABLE audit_keys;
DROP TABLE audit_checkpoints;
DROP TABLE audit_trees;
DROP TABLE audit_nodes;
DROP TABLE audit_leaves;
ALTER TABLE audit_events DROP COLUMN written_in;
