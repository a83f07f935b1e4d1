-- Who disabled an account, and when. A lock that was there before stays noted beside
-- it, and holds again when the account is enabled.

-- +goose Up
ALTER TABLE users
    ADD COLUMN disabled_by  text NOT NULL DEFAULT '',
    ADD COLUMN disabled_at  timestamptz;

-- +goose Down
ALTER TABLE users DROP COLUMN disabled_by, DROP COLUMN disabled_at;
