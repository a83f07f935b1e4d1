-- The list of people who have nothing stronger than a password or a message, as in
-- step 20: no phone, authenticator app, passkey or printed codes.

-- +goose Up
CREATE INDEX users_without_strong ON users (tenant_id, name) WHERE ways & 30 = 0;

-- +goose Down
DROP INDEX users_without_strong;
