-- Links by which somebody says that it was not them are of requests to the helpdesk, too; see app/disown.
-- +goose Up
ALTER TABLE disownings ALTER COLUMN bypass_id DROP NOT NULL;  -- NULL: it is of a request
ALTER TABLE disownings ADD COLUMN ask_id text;                -- NULL: it is of a bypass
ALTER TABLE disownings ADD FOREIGN KEY (tenant_id, ask_id) REFERENCES case_asks (tenant_id, id);

-- Those that are under way in mails.
INSERT INTO disownings (tenant_id, id, user_id, ask_id, created_at, expires_at, used_at)
    SELECT tenant_id, id, user_id, id, asked_at, asked_at + interval '7 days', disowned_at FROM case_asks WHERE user_id <> '';

-- By which form of the link it was said: mail, or phone, which whoever holds it can. Empty: it was not.
ALTER TABLE case_asks ADD COLUMN disowned_via text NOT NULL DEFAULT '';
UPDATE case_asks SET disowned_via = 'mail' WHERE disowned_at IS NOT NULL;

-- +goose Down
ALTER TABLE case_asks DROP COLUMN disowned_via;
DELETE FROM disownings WHERE bypass_id IS NULL;
ALTER TABLE disownings DROP COLUMN ask_id;
ALTER TABLE disownings ALTER COLUMN bypass_id SET NOT NULL;
