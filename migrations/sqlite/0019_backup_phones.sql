-- Backup phones: numbers that get a code by SMS or by a call.
-- +goose Up
CREATE TABLE backup_phones (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    user_id       text        NOT NULL,
    session_id    text        NOT NULL,            -- in which it was begun, and in which alone it is confirmed
    number        text        NOT NULL,            -- E.164
    channel       text        NOT NULL,            -- sms, voice
    state         text        NOT NULL,            -- new, active, ended
    digest        text        NOT NULL,            -- of the code that confirms it; empty when it is over
    tries         integer     NOT NULL DEFAULT 0,  -- of that code, and a new code does not forget them
    created_at    timestamp NOT NULL,
    expires_at    timestamp NOT NULL,            -- of that code
    confirmed_at  timestamp,
    last_used_at  timestamp,
    ended_at      timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX backup_phones_once ON backup_phones (user_id, number, channel, tenant_id) WHERE state = 'active';
CREATE INDEX backup_phones_to_sweep ON backup_phones (expires_at) WHERE state = 'new';

-- Codes of sign-ins. A name that has no backup phone has them as well, with no phone.
CREATE TABLE phone_codes (
    tenant_id   text        NOT NULL,
    id          text        NOT NULL,
    attempt_id  text        NOT NULL,
    phone_id    text        NOT NULL,
    channel     text        NOT NULL,
    digest      text        NOT NULL,
    created_at  timestamp NOT NULL,
    expires_at  timestamp NOT NULL,  -- earlier when another one took its place
    used_at     timestamp,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX phone_codes_of_attempt ON phone_codes (attempt_id, tenant_id);
CREATE INDEX phone_codes_to_sweep ON phone_codes (expires_at);

-- When somebody, or a number, got the last codes: the newest first.
CREATE TABLE code_times (
    tenant_id  text NOT NULL,
    who        text NOT NULL,  -- key of a name or of a number
    at1        timestamp NOT NULL,
    at2        timestamp,
    at3        timestamp,
    at4        timestamp,
    at5        timestamp,
    PRIMARY KEY (tenant_id, who)
);
CREATE INDEX code_times_to_sweep ON code_times (at1);

-- Messages to phones of a tenant on one day (UTC).
CREATE TABLE message_days (
    tenant_id  text    NOT NULL,
    day        text    NOT NULL,            -- 2006-01-02
    sent       integer NOT NULL,
    unproved   integer NOT NULL,            -- of them for who had proved nothing yet
    PRIMARY KEY (tenant_id, day)
);

-- users.ways: bits more, 64 for a number that gets SMS, 32 for one that is called.
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_new_backup_phone AFTER INSERT ON backup_phones WHEN NEW.state = 'active'
BEGIN
    UPDATE users SET ways = ways | CASE NEW.channel WHEN 'sms' THEN 64 ELSE 32 END WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_backup_phone AFTER UPDATE OF state ON backup_phones
BEGIN
    UPDATE users SET ways = (ways & ~96)
        | CASE WHEN EXISTS (SELECT 1 FROM backup_phones o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active' AND o.channel = 'sms') THEN 64 ELSE 0 END
        | CASE WHEN EXISTS (SELECT 1 FROM backup_phones o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active' AND o.channel = 'voice') THEN 32 ELSE 0 END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER users_ways_of_backup_phone;
DROP TRIGGER users_ways_of_new_backup_phone;
DROP TABLE message_days;
DROP TABLE code_times;
DROP TABLE phone_codes;
DROP TABLE backup_phones;
UPDATE users SET ways = ways & ~96 WHERE ways & 96 <> 0;
