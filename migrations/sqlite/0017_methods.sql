-- Which ways in a tenant has turned on, for what and for whom; see app/method.
-- +goose Up
ALTER TABLE tenants ADD COLUMN no_sign_in integer NOT NULL DEFAULT 128;     -- bits of users.ways: not to sign in with
ALTER TABLE tenants ADD COLUMN no_second integer NOT NULL DEFAULT 128;      -- not as the second factor
ALTER TABLE tenants ADD COLUMN no_recovery integer NOT NULL DEFAULT 128;    -- not after a loss
ALTER TABLE tenants ADD COLUMN limited_ways integer NOT NULL DEFAULT 0;     -- for members of method_groups alone
ALTER TABLE tenants ADD COLUMN strongest_first boolean NOT NULL DEFAULT FALSE;
ALTER TABLE tenants ADD COLUMN password_least integer NOT NULL DEFAULT 15;  -- characters of a password that may be all that is asked
ALTER TABLE tenants ADD COLUMN tries_most integer NOT NULL DEFAULT 10;      -- in a row that pause a way
ALTER TABLE tenants ADD COLUMN passcode_hours integer NOT NULL DEFAULT 24;  -- that a static passcode works at most
ALTER TABLE tenants ADD COLUMN method_version integer NOT NULL DEFAULT 1;

CREATE TABLE method_groups (
    tenant_id  text    NOT NULL,
    way        integer NOT NULL,  -- its bit
    group_id   text    NOT NULL,
    PRIMARY KEY (tenant_id, way, group_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id)
);
CREATE INDEX method_groups_of_group ON method_groups (tenant_id, group_id);

-- Every version that a tenant had, from the second on.
CREATE TABLE method_versions (
    tenant_id    text    NOT NULL REFERENCES tenants (id),
    version      integer NOT NULL,
    difference   text    NOT NULL,             -- JSON, from the one before
    reason       text    NOT NULL,
    changed_by   text    NOT NULL,
    approved_by  text    NOT NULL,
    changed_at   timestamp   NOT NULL,
    PRIMARY KEY (tenant_id, version)
);

-- +goose Down
DROP TABLE method_versions;
DROP TABLE method_groups;
ALTER TABLE tenants DROP COLUMN method_version;
ALTER TABLE tenants DROP COLUMN passcode_hours;
ALTER TABLE tenants DROP COLUMN tries_most;
ALTER TABLE tenants DROP COLUMN password_least;
ALTER TABLE tenants DROP COLUMN strongest_first;
ALTER TABLE tenants DROP COLUMN limited_ways;
ALTER TABLE tenants DROP COLUMN no_recovery;
ALTER TABLE tenants DROP COLUMN no_second;
ALTER TABLE tenants DROP COLUMN no_sign_in;
