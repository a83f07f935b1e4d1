-- Saved views of the audit; see app/trailview.
-- +goose Up
CREATE TABLE audit_views (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    id          text        NOT NULL,
    owner_id    text        NOT NULL,             -- a user of the tenant, or an operator
    name        text        NOT NULL,
    name_key    text        NOT NULL,             -- the name, in small letters
    filters     text        NOT NULL,             -- JSON
    shared      boolean     NOT NULL,
    version     integer     NOT NULL,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX audit_views_of_owner ON audit_views (tenant_id, owner_id, name_key);
CREATE INDEX audit_views_shared ON audit_views (tenant_id) WHERE shared;
SELECT tenant_wall('audit_views');

-- +goose Down
DROP TABLE audit_views;
