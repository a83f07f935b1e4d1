-- A person is told on every channel who let them in, and takes it back from any of them; see app/bypass.
-- +goose Up
ALTER TABLE notices ADD COLUMN agent text NOT NULL DEFAULT '';    -- name of who did it, where its reader learns that
ALTER TABLE notices ADD COLUMN of_case text NOT NULL DEFAULT '';  -- as people call the case
ALTER TABLE notices ADD COLUMN until timestamp;                -- that what was given works at the latest

-- The short form of a link, for text messages and phones; what makes it is a key that is not here.
ALTER TABLE disownings ADD COLUMN short_digest text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX disownings_by_short ON disownings (short_digest) WHERE short_digest <> '';

-- +goose Down
DROP INDEX disownings_by_short;
ALTER TABLE disownings DROP COLUMN short_digest;
ALTER TABLE notices DROP COLUMN until;
ALTER TABLE notices DROP COLUMN of_case;
ALTER TABLE notices DROP COLUMN agent;
