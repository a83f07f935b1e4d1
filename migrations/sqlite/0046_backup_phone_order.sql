-- Backup phones have a name that their owner gives them, and an order that they choose. One
-- whose number changes is confirmed anew, and then takes the place of the one before.
-- +goose Up
ALTER TABLE backup_phones ADD COLUMN label text NOT NULL DEFAULT '';
ALTER TABLE backup_phones ADD COLUMN place integer NOT NULL DEFAULT 0;   -- the lowest is asked first; alike: the one used last
ALTER TABLE backup_phones ADD COLUMN instead text NOT NULL DEFAULT '';   -- the one whose place a new one takes

-- +goose Down
ALTER TABLE backup_phones DROP COLUMN instead;
ALTER TABLE backup_phones DROP COLUMN place;
ALTER TABLE backup_phones DROP COLUMN label;
