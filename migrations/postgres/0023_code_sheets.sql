-- Printed codes: sheets of numbered codes, each good once; see app/codesheet.
-- +goose Up
CREATE TABLE code_sheets (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    serial        text        NOT NULL,                 -- as printed, without its dash
    batch_id      text,                                 -- NULL: printed by its user
    user_id       text,                                 -- NULL: nobody's yet
    custody       text        NOT NULL DEFAULT 'user',  -- with whom the paper is
    state         text        NOT NULL,                 -- active, used_up, replaced, removed
    codes_left    integer     NOT NULL,
    created_by    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    ended_at      timestamptz,
    ended_by      text        NOT NULL DEFAULT '',      -- empty: its last code was used
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX code_sheets_one_active ON code_sheets (user_id, tenant_id) WHERE state = 'active';
CREATE UNIQUE INDEX code_sheets_serial ON code_sheets (tenant_id, serial);
CREATE INDEX code_sheets_of_user ON code_sheets (user_id, tenant_id, created_at);

CREATE TABLE printed_codes (
    tenant_id  text    NOT NULL,
    sheet_id   text    NOT NULL,
    number     integer NOT NULL,  -- as printed, from 1
    hash       text    NOT NULL,  -- PHC string; empty when it was used and when the sheet has ended
    used_at    timestamptz,
    PRIMARY KEY (tenant_id, sheet_id, number),
    FOREIGN KEY (tenant_id, sheet_id) REFERENCES code_sheets (tenant_id, id)
);
SELECT tenant_wall('code_sheets');
SELECT tenant_wall('printed_codes');

-- The number that a sign-in asks for, from when it takes this way.
ALTER TABLE attempts ADD COLUMN code_number integer NOT NULL DEFAULT 0;

-- users.ways: a bit more, 16 for a sheet of printed codes.
-- +goose StatementBegin
CREATE FUNCTION users_ways_of_code_sheet() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM code_sheets o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~16) | (CASE WHEN has THEN 16 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 16 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER users_ways_of_code_sheet AFTER INSERT OR UPDATE OF state ON code_sheets FOR EACH ROW EXECUTE FUNCTION users_ways_of_code_sheet();

CREATE INDEX users_with_printed_code ON users (tenant_id, name) WHERE ways & 16 <> 0;

-- Where somebody has decided about ways in before there was this one, it is off until
-- they decide about it, too.
UPDATE tenants SET no_sign_in = no_sign_in | 16, no_second = no_second | 16, no_recovery = no_recovery | 16 WHERE method_version > 1;

-- +goose Down
UPDATE tenants SET no_sign_in = no_sign_in & ~16, no_second = no_second & ~16, no_recovery = no_recovery & ~16, limited_ways = limited_ways & ~16;
DELETE FROM method_groups WHERE way = 16;
DROP INDEX users_with_printed_code;
ALTER TABLE attempts DROP COLUMN code_number;
DROP TABLE printed_codes;
DROP TABLE code_sheets;
DROP FUNCTION users_ways_of_code_sheet();
UPDATE users SET ways = ways & ~16 WHERE ways & 16 <> 0;
