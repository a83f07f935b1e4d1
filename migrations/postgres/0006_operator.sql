-- Holds the place of another change.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
