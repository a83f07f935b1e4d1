-- What ways somebody has is reckoned in turn: of two that end at the same moment each would
-- see the other one, and neither know that it is the last. The row of the user is held
-- first; what is read after that is what stands (each statement here sees for itself).
-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_phones() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    has = EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = NEW.tenant_id AND d.user_id = NEW.user_id AND d.state = 'active' AND d.phone_sign_in);
    UPDATE users SET ways = (ways & ~2) | (CASE WHEN has THEN 2 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 2 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_totp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    has = EXISTS (SELECT 1 FROM totps o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~4) | (CASE WHEN has THEN 4 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 4 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_passkey() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    has = EXISTS (SELECT 1 FROM passkeys k WHERE k.tenant_id = NEW.tenant_id AND k.user_id = NEW.user_id AND k.state = 'active');
    UPDATE users SET ways = (ways & ~8) | (CASE WHEN has THEN 8 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 8 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_code_sheet() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    has = EXISTS (SELECT 1 FROM code_sheets o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~16) | (CASE WHEN has THEN 16 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 16 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_passcode() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    has = EXISTS (SELECT 1 FROM static_passcodes o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~128) | (CASE WHEN has THEN 128 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 128 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_bypass() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    has = EXISTS (SELECT 1 FROM bypasses o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~256) | (CASE WHEN has THEN 256 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 256 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_backup_phones() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has integer;
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    has = COALESCE((SELECT bit_or(CASE o.channel WHEN 'sms' THEN 64 ELSE 32 END) FROM backup_phones o
        WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active'), 0);
    UPDATE users SET ways = (ways & ~96) | has WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 96) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_phones() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = NEW.tenant_id AND d.user_id = NEW.user_id AND d.state = 'active' AND d.phone_sign_in);
    UPDATE users SET ways = (ways & ~2) | (CASE WHEN has THEN 2 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 2 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_totp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM totps o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~4) | (CASE WHEN has THEN 4 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 4 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_passkey() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM passkeys k WHERE k.tenant_id = NEW.tenant_id AND k.user_id = NEW.user_id AND k.state = 'active');
    UPDATE users SET ways = (ways & ~8) | (CASE WHEN has THEN 8 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 8 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_code_sheet() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM code_sheets o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~16) | (CASE WHEN has THEN 16 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 16 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_passcode() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM static_passcodes o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~128) | (CASE WHEN has THEN 128 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 128 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_bypass() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM bypasses o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~256) | (CASE WHEN has THEN 256 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 256 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_ways_of_backup_phones() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has integer;
BEGIN
    has = COALESCE((SELECT bit_or(CASE o.channel WHEN 'sms' THEN 64 ELSE 32 END) FROM backup_phones o
        WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active'), 0);
    UPDATE users SET ways = (ways & ~96) | has WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 96) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
