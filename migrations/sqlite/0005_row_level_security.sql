-- SQLite has no row-level security. It belongs to one process, and there the
-- statements' own tenant is the only wall.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
