-- Exports of the audit, written in the background; see app/export.
-- +goose Up
CREATE TABLE audit_exports (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    id           text        NOT NULL,
    state        text        NOT NULL,             -- draft, running, done, failed
    form         text        NOT NULL,             -- see app/eventform
    query        text        NOT NULL,             -- JSON, with its end
    many         boolean     NOT NULL,             -- more rows than one person may take
    approved_by  text        NOT NULL DEFAULT '',
    done         bigint      NOT NULL DEFAULT 0,   -- rows that are written
    size         bigint      NOT NULL DEFAULT 0,   -- octets
    digest       text        NOT NULL DEFAULT '',  -- SHA-256 of the file
    link         text        NOT NULL DEFAULT '',  -- digest of the key of the link
    link_until   timestamptz,
    fetched_at   timestamptz,                      -- by the link that was made last
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL,
    held_at      timestamptz,                      -- last sign of life of whoever is at it
    ended_at     timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_exports_newest ON audit_exports (tenant_id, created_at);
CREATE INDEX audit_exports_running ON audit_exports (created_at) WHERE state = 'running';

-- What is written of one, in order.
CREATE TABLE audit_export_parts (
    tenant_id  text    NOT NULL,
    export_id  text    NOT NULL,
    n          integer NOT NULL,
    body       bytea NOT NULL,
    PRIMARY KEY (tenant_id, export_id, n),
    FOREIGN KEY (tenant_id, export_id) REFERENCES audit_exports (tenant_id, id) ON DELETE CASCADE
);
SELECT tenant_wall('audit_exports');
SELECT tenant_wall('audit_export_parts');

-- +goose Down
DROP TABLE audit_export_parts;
DROP TABLE audit_exports;
