-- Holds the number until the step itself is merged.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
