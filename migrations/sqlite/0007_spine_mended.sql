-- What was left open around the phone sign-in.

-- +goose Up
-- When a phone that signed its user in was removed by less than a phone.
ALTER TABLE devices ADD COLUMN lost_at timestamp;

-- What a set-up link has made, for the page that says so.
ALTER TABLE setup_links ADD COLUMN tenant_id text NOT NULL DEFAULT '';
ALTER TABLE setup_links ADD COLUMN user_id text NOT NULL DEFAULT '';

CREATE INDEX sessions_to_sweep ON sessions (expires_at);

-- +goose Down
DROP INDEX sessions_to_sweep;
ALTER TABLE setup_links DROP COLUMN user_id;
ALTER TABLE setup_links DROP COLUMN tenant_id;
ALTER TABLE devices DROP COLUMN lost_at;
