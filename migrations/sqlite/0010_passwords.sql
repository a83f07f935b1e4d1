-- Passwords: when one was set, whether it is long enough to be all that is asked,
-- and links by which somebody who has been in sets another one.
-- +goose Up
ALTER TABLE users ADD COLUMN password_set_at timestamp;                        -- NULL: before it was noted
ALTER TABLE users ADD COLUMN password_alone boolean NOT NULL DEFAULT TRUE;
ALTER TABLE invitations ADD COLUMN purpose text NOT NULL DEFAULT 'first';  -- first, password

-- +goose Down
ALTER TABLE invitations DROP COLUMN purpose;
ALTER TABLE users DROP COLUMN password_alone;
ALTER TABLE users DROP COLUMN password_set_at;
