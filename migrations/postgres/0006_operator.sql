-- What the platform operator works with: why a tenant is as it is, the domains
-- that it claims, links for its first administrator, what it lets operators see,
-- and the replicas that serve it all.

-- +goose Up
ALTER TABLE tenants ADD COLUMN version integer NOT NULL DEFAULT 1;       -- grows with each change, so that two operators do not overwrite each other
ALTER TABLE tenants ADD COLUMN state_reason text NOT NULL DEFAULT '';   -- the words of who suspended or resumed it
ALTER TABLE tenants ADD COLUMN state_changed_at timestamptz;
CREATE INDEX tenants_in_state ON tenants (state, slug);
CREATE INDEX tenants_in_region ON tenants (region, slug);
CREATE INDEX tenants_in_ring ON tenants (ring, slug);

-- Several tenants may claim a domain; the one that proves it gets the row in domains.
CREATE TABLE domain_claims (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    domain      text        NOT NULL,
    token       text        NOT NULL,            -- to be published in DNS; public, and of this tenant alone
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    PRIMARY KEY (tenant_id, domain)
);
CREATE INDEX domain_claims_by_domain ON domain_claims (domain, tenant_id);
CREATE INDEX domains_of_tenant ON domains (tenant_id, domain);

-- A link without made_for makes the first tenant of an installation; the others
-- make the first administrator of a tenant that is there.
ALTER TABLE setup_links ADD COLUMN made_for text REFERENCES tenants (id);
ALTER TABLE setup_links ADD COLUMN expires_at timestamptz;               -- NULL: until the next start

-- What a tenant lets one operator do, for hours. There is no other way in.
CREATE TABLE operator_grants (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    id           text        NOT NULL,
    operator_id  text        NOT NULL,           -- a user of the platform
    role         text        NOT NULL,           -- auditor, tenant_administrator
    reason       text        NOT NULL,
    granted_by   text        NOT NULL,           -- a user of the tenant
    granted_at   timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    ended_at     timestamptz,                    -- NULL: not yet noted as ended; past ends_at it is over all the same
    ended_by     text        NOT NULL DEFAULT '',-- empty: the clock
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX operator_grants_open ON operator_grants (ends_at) WHERE ended_at IS NULL;

CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at IS NOT NULL;

-- Each running program says every few seconds that it is there.
CREATE UNLOGGED TABLE replicas (
    id             text PRIMARY KEY,
    host           text        NOT NULL,
    version        text        NOT NULL,
    started_at     timestamptz NOT NULL,
    seen_at        timestamptz NOT NULL,
    clock_micros   bigint      NOT NULL,         -- how far the database's clock is ahead of the replica's
    streams        integer     NOT NULL,
    waiting        integer     NOT NULL
);

SELECT tenant_wall('domain_claims');
SELECT tenant_wall('operator_grants');

-- +goose Down
DROP TABLE replicas;
DROP INDEX outbox_failed;
DROP TABLE operator_grants;
DELETE FROM setup_links WHERE made_for IS NOT NULL;
ALTER TABLE setup_links DROP COLUMN expires_at;
ALTER TABLE setup_links DROP COLUMN made_for;
DROP INDEX domains_of_tenant;
DROP TABLE domain_claims;
DROP INDEX tenants_in_ring;
DROP INDEX tenants_in_region;
DROP INDEX tenants_in_state;
ALTER TABLE tenants DROP COLUMN state_changed_at;
ALTER TABLE tenants DROP COLUMN state_reason;
ALTER TABLE tenants DROP COLUMN version;
