-- Authenticator apps (RFC 6238), and sign-ins that take two factors.
-- +goose Up
CREATE TABLE totps (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    user_id       text        NOT NULL,
    session_id    text        NOT NULL,            -- in which it was begun, and in which alone it is proved
    state         text        NOT NULL,            -- new, active, ended
    seed          text        NOT NULL,            -- sealed; empty when it has ended
    last_step     bigint      NOT NULL DEFAULT 0,  -- of the last code that was taken
    tries         integer     NOT NULL DEFAULT 0,  -- of the code that proves it
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,            -- until then a new one may be proved
    confirmed_at  timestamptz,
    last_used_at  timestamptz,
    ended_at      timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX totps_one_active ON totps (user_id, tenant_id) WHERE state = 'active';
CREATE INDEX totps_to_sweep ON totps (expires_at) WHERE state = 'new';
SELECT tenant_wall('totps');

-- users.ways: a bit more, 4 for an authenticator app.
-- +goose StatementBegin
CREATE FUNCTION users_ways_of_totp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM totps o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~4) | (CASE WHEN has THEN 4 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 4 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER users_ways_of_totp AFTER INSERT OR UPDATE OF state ON totps FOR EACH ROW EXECUTE FUNCTION users_ways_of_totp();

ALTER TABLE attempts ADD COLUMN proved text NOT NULL DEFAULT '';    -- what was proved in it so far, as amr values
ALTER TABLE habits ADD COLUMN second_way text NOT NULL DEFAULT '';  -- that came after the first one

-- +goose Down
ALTER TABLE habits DROP COLUMN second_way;
ALTER TABLE attempts DROP COLUMN proved;
DROP TABLE totps;
DROP FUNCTION users_ways_of_totp();
UPDATE users SET ways = ways & ~4 WHERE ways & 4 <> 0;
