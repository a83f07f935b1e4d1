-- The list of people by every way in that they have, as in step 4. Few have one of
-- these, so each index is small, and is written only for those who have it.

-- +goose Up
CREATE INDEX users_with_totp ON users (tenant_id, name) WHERE ways & 4 <> 0;
CREATE INDEX users_with_passkey ON users (tenant_id, name) WHERE ways & 8 <> 0;
CREATE INDEX users_with_voice ON users (tenant_id, name) WHERE ways & 32 <> 0;
CREATE INDEX users_with_sms ON users (tenant_id, name) WHERE ways & 64 <> 0;
CREATE INDEX users_with_static_passcode ON users (tenant_id, name) WHERE ways & 128 <> 0;

-- +goose Down
DROP INDEX users_with_static_passcode;
DROP INDEX users_with_sms;
DROP INDEX users_with_voice;
DROP INDEX users_with_passkey;
DROP INDEX users_with_totp;
