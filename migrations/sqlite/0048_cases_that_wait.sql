-- For whom a case waits; see app/cases.
-- +goose Up
ALTER TABLE cases ADD COLUMN waits_for text NOT NULL DEFAULT '';  -- person, delivery, manager, other_desk; empty: nobody has said, or it does not wait

-- +goose Down
ALTER TABLE cases DROP COLUMN waits_for;
