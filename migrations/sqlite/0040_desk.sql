-- What a tenant says of its desk: what may be given, how callers are proved, its own reasons and the form of its tickets; see app/desk.
-- +goose Up
ALTER TABLE tenants ADD COLUMN bypass_kinds text NOT NULL DEFAULT 'pass_code,skip';
ALTER TABLE tenants ADD COLUMN bypass_deliveries text NOT NULL DEFAULT 'second_channel,split';  -- and read_out, which bypass_read_out says
ALTER TABLE tenants ADD COLUMN check_ways text NOT NULL DEFAULT 'phone,backup_phone,manager';
ALTER TABLE tenants ADD COLUMN check_ways_privileged text NOT NULL DEFAULT 'phone,backup_phone,manager';
ALTER TABLE tenants ADD COLUMN desk_reasons text NOT NULL DEFAULT '';  -- JSON, see desk.Reasons
ALTER TABLE tenants ADD COLUMN own_reasons boolean NOT NULL DEFAULT TRUE;  -- one may be given that is not among them
ALTER TABLE tenants ADD COLUMN ticket_pattern text NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN ticket_example text NOT NULL DEFAULT '';

-- The reason of the tenant that was chosen, as it was then. Empty: in words of one's own.
ALTER TABLE bypasses ADD COLUMN reason_code text NOT NULL DEFAULT '';
ALTER TABLE bypasses ADD COLUMN reason_words text NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN reason_code text NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN reason_words text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE cases DROP COLUMN reason_words;
ALTER TABLE cases DROP COLUMN reason_code;
ALTER TABLE bypasses DROP COLUMN reason_words;
ALTER TABLE bypasses DROP COLUMN reason_code;
ALTER TABLE tenants DROP COLUMN ticket_example;
ALTER TABLE tenants DROP COLUMN ticket_pattern;
ALTER TABLE tenants DROP COLUMN own_reasons;
ALTER TABLE tenants DROP COLUMN desk_reasons;
ALTER TABLE tenants DROP COLUMN check_ways_privileged;
ALTER TABLE tenants DROP COLUMN check_ways;
ALTER TABLE tenants DROP COLUMN bypass_deliveries;
ALTER TABLE tenants DROP COLUMN bypass_kinds;
