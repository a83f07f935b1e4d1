-- What was left open around the phone sign-in.

-- +goose Up
-- When a phone that signed its user in was removed by less than a phone.
ALTER TABLE devices ADD COLUMN lost_at timestamp;

-- +goose Down
ALTER TABLE devices DROP COLUMN lost_at;
