-- A phone's own authenticator (a face, a finger) in place of the PIN of an account.
-- +goose Up
ALTER TABLE devices ADD COLUMN unlock_id text NOT NULL DEFAULT '';      -- as the authenticator calls it; empty: the PIN alone
ALTER TABLE devices ADD COLUMN unlock_key text NOT NULL DEFAULT '';     -- COSE, sealed
ALTER TABLE devices ADD COLUMN unlock_count bigint NOT NULL DEFAULT 0;  -- of the last time that was taken

-- +goose Down
ALTER TABLE devices DROP COLUMN unlock_count;
ALTER TABLE devices DROP COLUMN unlock_key;
ALTER TABLE devices DROP COLUMN unlock_id;
