-- Who is locked, or whose password changes, has their open attempts ended. They are found by
-- their person, not among all that the people of the organisation have begun.
-- +goose Up
CREATE INDEX attempts_of_user ON attempts (user_id, tenant_id);

-- +goose Down
DROP INDEX attempts_of_user;
