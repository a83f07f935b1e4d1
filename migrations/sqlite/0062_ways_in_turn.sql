-- One act writes at a time here; see postgres/.
-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
