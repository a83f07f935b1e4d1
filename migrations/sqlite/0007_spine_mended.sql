-- What was left open around the phone sign-in.

-- +goose Up
SELECT 1; -- SQLite has no TRUNCATE

-- +goose Down
SELECT 1;
