-- Passkeys (WebAuthn), and the challenges that were signed once.
-- +goose Up
CREATE TABLE passkeys (
    tenant_id        text      NOT NULL,
    id               text      NOT NULL,
    user_id          text      NOT NULL,
    state            text      NOT NULL,            -- active, ended
    name             text      NOT NULL,
    credential_id    text      NOT NULL,            -- base64url, as the authenticator calls it
    public_key       text      NOT NULL,            -- COSE, sealed; empty when it has ended
    format           text      NOT NULL,            -- of the attestation
    aaguid           text      NOT NULL,            -- model of the authenticator, base64url
    transports       text      NOT NULL,            -- with commas between them
    sign_count       bigint    NOT NULL,            -- of the last time that was taken
    backup_eligible  boolean   NOT NULL,            -- never changes
    backed_up        boolean   NOT NULL,
    created_at       timestamp NOT NULL,
    last_used_at     timestamp,
    ended_at         timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX passkeys_one_owner ON passkeys (credential_id, tenant_id) WHERE state = 'active';
CREATE INDEX passkeys_of_user ON passkeys (user_id, tenant_id) WHERE state = 'active';

CREATE TABLE spent_challenges (
    tenant_id   text      NOT NULL,
    digest      text      NOT NULL,
    expires_at  timestamp NOT NULL,  -- until then it would be good, were it not for this row
    PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX spent_challenges_to_sweep ON spent_challenges (expires_at);

-- users.ways: a bit more, 8 for a passkey.
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_new_passkey AFTER INSERT ON passkeys WHEN NEW.state = 'active'
BEGIN
    UPDATE users SET ways = ways | 8 WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_passkey AFTER UPDATE OF state ON passkeys
BEGIN
    UPDATE users SET ways = (ways & ~8) | CASE WHEN EXISTS (SELECT 1 FROM passkeys k WHERE k.tenant_id = NEW.tenant_id AND k.user_id = NEW.user_id
        AND k.state = 'active') THEN 8 ELSE 0 END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER users_ways_of_passkey;
DROP TRIGGER users_ways_of_new_passkey;
DROP TABLE spent_challenges;
DROP TABLE passkeys;
UPDATE users SET ways = ways & ~8 WHERE ways & 8 <> 0;
