-- Links by which somebody says that it was not them are of requests to the helpdesk, too; see app/disown.
-- +goose Up
CREATE TABLE disownings_of_all (
    tenant_id     text      NOT NULL,
    id            text      NOT NULL,
    user_id       text      NOT NULL,
    bypass_id     text,                          -- NULL: it is of a request
    ask_id        text,                          -- NULL: it is of a bypass
    short_digest  text      NOT NULL DEFAULT '',
    created_at    timestamp NOT NULL,
    expires_at    timestamp NOT NULL,
    used_at       timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, bypass_id) REFERENCES bypasses (tenant_id, id),
    FOREIGN KEY (tenant_id, ask_id) REFERENCES case_asks (tenant_id, id)
);
INSERT INTO disownings_of_all (tenant_id, id, user_id, bypass_id, short_digest, created_at, expires_at, used_at)
    SELECT tenant_id, id, user_id, bypass_id, short_digest, created_at, expires_at, used_at FROM disownings;
DROP TABLE disownings;
ALTER TABLE disownings_of_all RENAME TO disownings;
CREATE INDEX disownings_to_sweep ON disownings (expires_at);
CREATE UNIQUE INDEX disownings_by_short ON disownings (short_digest) WHERE short_digest <> '';

-- Those that are under way in mails.
INSERT INTO disownings (tenant_id, id, user_id, ask_id, created_at, expires_at, used_at)
    SELECT tenant_id, id, user_id, id, asked_at, datetime(asked_at, '+7 days'), disowned_at FROM case_asks WHERE user_id <> '';

-- By which form of the link it was said: mail, or phone, which whoever holds it can. Empty: it was not.
ALTER TABLE case_asks ADD COLUMN disowned_via text NOT NULL DEFAULT '';
UPDATE case_asks SET disowned_via = 'mail' WHERE disowned_at IS NOT NULL;

-- +goose Down
ALTER TABLE case_asks DROP COLUMN disowned_via;
CREATE TABLE disownings_of_bypasses (
    tenant_id     text      NOT NULL,
    id            text      NOT NULL,
    user_id       text      NOT NULL,
    bypass_id     text      NOT NULL,
    short_digest  text      NOT NULL DEFAULT '',
    created_at    timestamp NOT NULL,
    expires_at    timestamp NOT NULL,
    used_at       timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, bypass_id) REFERENCES bypasses (tenant_id, id)
);
INSERT INTO disownings_of_bypasses (tenant_id, id, user_id, bypass_id, short_digest, created_at, expires_at, used_at)
    SELECT tenant_id, id, user_id, bypass_id, short_digest, created_at, expires_at, used_at FROM disownings WHERE bypass_id IS NOT NULL;
DROP TABLE disownings;
ALTER TABLE disownings_of_bypasses RENAME TO disownings;
CREATE INDEX disownings_to_sweep ON disownings (expires_at);
CREATE UNIQUE INDEX disownings_by_short ON disownings (short_digest) WHERE short_digest <> '';
