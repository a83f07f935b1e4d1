-- Replays that have to stand before rules change; see app/replay.
-- +goose Up
ALTER TABLE tenants ADD COLUMN replay_first boolean NOT NULL DEFAULT FALSE;  -- what decides sign-ins changes only after a replay of exactly the change

-- +goose Down
ALTER TABLE tenants DROP COLUMN replay_first;
