-- Places that a tenant has a name for, and how the number is given back from anywhere else.
-- +goose Up
ALTER TABLE tenants ADD COLUMN places text NOT NULL DEFAULT '';              -- JSON, see app/place; empty for none
ALTER TABLE tenants ADD COLUMN match_mode_elsewhere text NOT NULL DEFAULT ''; -- empty for the one of everywhere

-- +goose Down
ALTER TABLE tenants DROP COLUMN match_mode_elsewhere;
ALTER TABLE tenants DROP COLUMN places;
