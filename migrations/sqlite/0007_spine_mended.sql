-- What was left open around the phone sign-in.

-- +goose Up
-- When a phone that signed its user in was removed by less than a phone.
ALTER TABLE devices ADD COLUMN lost_at timestamp;

-- The user whom a set-up link has made, for the page that says so.
ALTER TABLE setup_links ADD COLUMN made_user text NOT NULL DEFAULT '';

CREATE INDEX sessions_to_sweep ON sessions (expires_at);

-- +goose Down
DROP INDEX sessions_to_sweep;
ALTER TABLE setup_links DROP COLUMN made_user;
ALTER TABLE devices DROP COLUMN lost_at;
