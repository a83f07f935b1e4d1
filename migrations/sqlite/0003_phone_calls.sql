-- What a phone asks for and answers is found with its accounts, in one go.

-- +goose Up
-- The call that counted the last try of the PIN.
ALTER TABLE devices ADD COLUMN pin_try text NOT NULL DEFAULT '';
CREATE INDEX prompts_of_user ON prompts (user_id, tenant_id) WHERE state = 'pending';

-- +goose Down
DROP INDEX prompts_of_user;
ALTER TABLE devices DROP COLUMN pin_try;
