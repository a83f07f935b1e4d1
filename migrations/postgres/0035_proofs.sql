-- What a session was proved by last, and what an application was given for such a proof;
-- see app/session.
-- +goose Up
ALTER TABLE sessions ADD COLUMN proved_account text NOT NULL DEFAULT '';        -- the phone that it was proved by last; empty: it was none
ALTER TABLE authorizations ADD COLUMN proved_by text NOT NULL DEFAULT '';       -- as the session has it
ALTER TABLE authorizations ADD COLUMN proved_account text NOT NULL DEFAULT '';
ALTER TABLE authorizations ADD COLUMN hint_user_id text NOT NULL DEFAULT '';    -- that the application takes to be there; empty: anybody

-- Which phone proved it is not known of others than those that a phone made.
UPDATE sessions SET proved_account = account_id WHERE account_id <> '' AND ',' || proved_by || ',' LIKE '%,phone,%';
UPDATE sessions SET proved_by = amr, proved_at = created_at WHERE account_id = '' AND ',' || proved_by || ',' LIKE '%,phone,%';

-- +goose Down
ALTER TABLE authorizations DROP COLUMN hint_user_id;
ALTER TABLE authorizations DROP COLUMN proved_account;
ALTER TABLE authorizations DROP COLUMN proved_by;
ALTER TABLE sessions DROP COLUMN proved_account;
