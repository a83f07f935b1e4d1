-- Authenticator apps (RFC 6238), and sign-ins that take two factors.
-- +goose Up
CREATE TABLE totps (
    tenant_id     text      NOT NULL,
    id            text      NOT NULL,
    user_id       text      NOT NULL,
    session_id    text      NOT NULL,            -- in which it was begun, and in which alone it is proved
    state         text      NOT NULL,            -- new, active, ended
    seed          text      NOT NULL,            -- sealed; empty when it has ended
    last_step     bigint    NOT NULL DEFAULT 0,  -- of the last code that was taken
    tries         integer   NOT NULL DEFAULT 0,  -- of the code that proves it
    created_at    timestamp NOT NULL,
    expires_at    timestamp NOT NULL,            -- until then a new one may be proved
    confirmed_at  timestamp,
    last_used_at  timestamp,
    ended_at      timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX totps_one_active ON totps (user_id, tenant_id) WHERE state = 'active';
CREATE INDEX totps_to_sweep ON totps (expires_at) WHERE state = 'new';

-- users.ways: a bit more, 4 for an authenticator app.
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_new_totp AFTER INSERT ON totps WHEN NEW.state = 'active'
BEGIN
    UPDATE users SET ways = ways | 4 WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_totp AFTER UPDATE OF state ON totps
BEGIN
    UPDATE users SET ways = (ways & ~4) | CASE WHEN EXISTS (SELECT 1 FROM totps o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id
        AND o.state = 'active') THEN 4 ELSE 0 END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd

ALTER TABLE attempts ADD COLUMN proved text NOT NULL DEFAULT '';    -- what was proved in it so far, as amr values
ALTER TABLE habits ADD COLUMN second_way text NOT NULL DEFAULT '';  -- that came after the first one

-- +goose Down
ALTER TABLE habits DROP COLUMN second_way;
ALTER TABLE attempts DROP COLUMN proved;
DROP TRIGGER users_ways_of_totp;
DROP TRIGGER users_ways_of_new_totp;
DROP TABLE totps;
UPDATE users SET ways = ways & ~4 WHERE ways & 4 <> 0;
