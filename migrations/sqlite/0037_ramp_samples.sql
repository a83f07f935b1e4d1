-- How many sign-ins of people who have the feature a step of a ramp has seen; see
-- app/ramp.
-- +goose Up
ALTER TABLE ramps ADD COLUMN sampled integer NOT NULL DEFAULT 0;
ALTER TABLE ramps ADD COLUMN sampled_until timestamp;  -- those decided before it are in; NULL, or before entered_at: none are

-- +goose Down
ALTER TABLE ramps DROP COLUMN sampled_until;
ALTER TABLE ramps DROP COLUMN sampled;
