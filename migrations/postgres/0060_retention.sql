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
    changed_at      timestamptz,
    due_at          timestamptz NOT NULL,             -- before it nothing is dropped, and it is not looked for it
    claim           text        NOT NULL DEFAULT '',  -- of the replica that is at it
    claimed_until   timestamptz,
    fault           text        NOT NULL DEFAULT ''   -- why what is due could not be dropped
);
CREATE INDEX audit_keeping_due ON audit_keeping (due_at) WHERE signins > 0 OR administration > 0;

CREATE TABLE audit_holds (
    tenant_id     text        NOT NULL REFERENCES tenants (id),
    id            text        NOT NULL,
    reason        text        NOT NULL,
    ticket        text        NOT NULL,
    begun_by      text        NOT NULL,
    begun_at      timestamptz NOT NULL,
    ended_by      text        NOT NULL DEFAULT '',
    ended_at      timestamptz,
    ended_reason  text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id)
);

-- Each is one signed note. It is open in the transaction that writes it, and in no other one.
CREATE TABLE audit_drops (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    class       text        NOT NULL,
    month       text        NOT NULL,             -- 2026-01
    part        integer     NOT NULL,             -- from 1
    from_at     timestamptz NOT NULL,             -- the month
    until_at    timestamptz NOT NULL,
    events      bigint      NOT NULL,
    note        text        NOT NULL,
    archive     text        NOT NULL,             -- name of the file
    host        text        NOT NULL,             -- of the replica that wrote it
    made_at     timestamptz NOT NULL,
    open        boolean     NOT NULL,
    written_in  xid8        NOT NULL DEFAULT pg_current_xact_id(),
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
SELECT tenant_wall('audit_keeping');
SELECT tenant_wall('audit_holds');
SELECT tenant_wall('audit_drops');
SELECT tenant_wall('audit_drop_spans');

-- Personal data of an event may go, with their salt. The whole event may go when its leaf is
-- one of a drop that this transaction writes, of the month in which it happened. Whether that
-- is signed the database cannot say: who verifies does.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_events_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.personal = '' AND NEW.salt = '' THEN
        OLD.personal := '';
        OLD.salt := '';
        OLD.address := NEW.address; -- it follows, after this
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT 1 FROM audit_leaves l
        JOIN audit_drops d ON d.tenant_id = l.tenant_id AND d.open AND d.written_in = pg_current_xact_id() AND OLD.occurred_at >= d.from_at AND OLD.occurred_at < d.until_at
        CROSS JOIN LATERAL (SELECT s.last_n, s.class, s.month, s.part FROM audit_drop_spans s WHERE s.tenant_id = l.tenant_id AND s.first_n <= l.n ORDER BY s.first_n DESC LIMIT 1) s
        WHERE l.tenant_id = OLD.tenant_id AND l.occurred_at = OLD.occurred_at AND l.event_id = OLD.id
        AND s.last_n >= l.n AND s.class = d.class AND s.month = d.month AND s.part = d.part) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit events are never changed or deleted';
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION audit_drops_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.open AND NOT NEW.open THEN
        OLD.open := false;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'drops of audit events are never changed or deleted';
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION audit_drop_spans_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND EXISTS (SELECT 1 FROM audit_drops d WHERE d.tenant_id = NEW.tenant_id AND d.class = NEW.class AND d.month = NEW.month AND d.part = NEW.part
        AND d.open AND d.written_in = pg_current_xact_id()) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'drops of audit events are never changed or deleted';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_drops_stay BEFORE UPDATE OR DELETE ON audit_drops FOR EACH ROW EXECUTE FUNCTION audit_drops_change();
CREATE TRIGGER audit_drop_spans_stay BEFORE INSERT OR UPDATE OR DELETE ON audit_drop_spans FOR EACH ROW EXECUTE FUNCTION audit_drop_spans_change();

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_events_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.personal = '' AND NEW.salt = '' THEN
        OLD.personal := '';
        OLD.salt := '';
        OLD.address := NEW.address; -- it follows, after this
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit events are never changed or deleted';
END $$;
-- +goose StatementEnd
DROP TABLE audit_drop_spans;
DROP TABLE audit_drops;
DROP TABLE audit_holds;
DROP TABLE audit_keeping;
DROP FUNCTION audit_drop_spans_change();
DROP FUNCTION audit_drops_change();
