-- Bypasses: one person, once, past the phone; see app/bypass.
-- +goose Up
CREATE TABLE bypasses (
    tenant_id       text        NOT NULL,
    id              text        NOT NULL,
    user_id         text        NOT NULL,
    case_id         text        NOT NULL DEFAULT '',
    kind            text        NOT NULL,             -- skip, pass_code
    state           text        NOT NULL,             -- ready, active, used, expired, revoked, replaced
    delivery        text        NOT NULL DEFAULT '',  -- read_out, second_channel, split; empty: there is no code
    phone_id        text        NOT NULL DEFAULT '',  -- the backup phone that gets its part
    minutes         integer     NOT NULL,             -- that it works from its start
    uses            integer     NOT NULL,             -- that it had at first
    uses_left       integer     NOT NULL,
    network         text        NOT NULL DEFAULT '',  -- a name of the tenant's places, or a network; empty: from anywhere
    application_id  text        NOT NULL DEFAULT '',  -- for whose sign-ins alone it works; empty: for any
    code_digest     text        NOT NULL DEFAULT '',  -- keyed; empty before it was made and when it has ended
    agent_digest    text        NOT NULL DEFAULT '',  -- of the agent's half
    other_digest    text        NOT NULL DEFAULT '',  -- of the half that came the other way
    reason          text        NOT NULL,
    ticket          text        NOT NULL DEFAULT '',
    check_id        text        NOT NULL,             -- the caller check that it rests on
    check_via       text        NOT NULL,
    check_strength  text        NOT NULL,
    requested_by    text        NOT NULL,
    approved_by     text        NOT NULL DEFAULT '',
    starts_at       timestamp NOT NULL,
    ends_at         timestamp NOT NULL,             -- the last instant is too late; of one that is ready: until then it may be made
    created_at      timestamp NOT NULL,
    made_at         timestamp,
    last_used_at    timestamp,
    ended_at        timestamp,
    ended_by        text        NOT NULL DEFAULT '',  -- empty: the clock, or its use
    ending          text        NOT NULL DEFAULT '',  -- why it was revoked
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX bypasses_one ON bypasses (user_id, tenant_id) WHERE state IN ('ready', 'active');
CREATE INDEX bypasses_to_lapse ON bypasses (ends_at) WHERE state IN ('ready', 'active');
CREATE INDEX bypasses_of_tenant ON bypasses (tenant_id, created_at);
CREATE INDEX bypasses_of_agent ON bypasses (requested_by, created_at, tenant_id);
CREATE INDEX bypasses_of_user ON bypasses (user_id, created_at, tenant_id);

-- Links by which somebody says, without signing in, that it was not them. What makes one
-- of an id is a key that is not here.
CREATE TABLE disownings (
    tenant_id   text        NOT NULL,
    id          text        NOT NULL,
    user_id     text        NOT NULL,
    bypass_id   text        NOT NULL,
    created_at  timestamp NOT NULL,
    expires_at  timestamp NOT NULL,
    used_at     timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, bypass_id) REFERENCES bypasses (tenant_id, id)
);
CREATE INDEX disownings_to_sweep ON disownings (expires_at);

-- What a session may do that a bypass made, and until when a new authenticator may be bound in it.
ALTER TABLE sessions ADD COLUMN bypass_id text NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN application_id text NOT NULL DEFAULT '';  -- the only one that it goes on to; empty: any

-- The ceilings of a tenant.
ALTER TABLE tenants ADD COLUMN bypass_minutes integer NOT NULL DEFAULT 480;
ALTER TABLE tenants ADD COLUMN bypass_uses integer NOT NULL DEFAULT 5;
ALTER TABLE tenants ADD COLUMN bypass_read_out boolean NOT NULL DEFAULT TRUE;

-- Who has decided about their ways in decides about this one, too.
UPDATE tenants SET no_sign_in = no_sign_in | 256, no_second = no_second | 256, no_recovery = no_recovery | 256 WHERE method_version > 1;

-- users.ways: a bit more, 256 for a bypass.
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_new_bypass AFTER INSERT ON bypasses
BEGIN
    UPDATE users SET ways = (ways & ~256) | CASE WHEN EXISTS (SELECT 1 FROM bypasses o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id
        AND o.state = 'active') THEN 256 ELSE 0 END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_bypass AFTER UPDATE OF state ON bypasses
BEGIN
    UPDATE users SET ways = (ways & ~256) | CASE WHEN EXISTS (SELECT 1 FROM bypasses o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id
        AND o.state = 'active') THEN 256 ELSE 0 END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd
CREATE INDEX users_with_bypass ON users (tenant_id, name) WHERE ways & 256 <> 0;

-- +goose Down
DROP INDEX users_with_bypass;
DROP TABLE disownings;
DROP TRIGGER users_ways_of_bypass;
DROP TRIGGER users_ways_of_new_bypass;
DROP TABLE bypasses;
ALTER TABLE sessions DROP COLUMN bypass_id;
ALTER TABLE sessions DROP COLUMN application_id;
ALTER TABLE tenants DROP COLUMN bypass_minutes;
ALTER TABLE tenants DROP COLUMN bypass_uses;
ALTER TABLE tenants DROP COLUMN bypass_read_out;
UPDATE users SET ways = ways & ~256 WHERE ways & 256 <> 0;
UPDATE tenants SET no_sign_in = no_sign_in & ~256, no_second = no_second & ~256, no_recovery = no_recovery & ~256, limited_ways = limited_ways & ~256;
