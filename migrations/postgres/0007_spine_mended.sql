-- What was left open around the phone sign-in.

-- +goose Up
-- A row trigger does not see TRUNCATE, and a statement trigger of the whole does
-- not see what is done to a part. So each part gets one, as it does when it is made.
-- +goose StatementBegin
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('audit_events') LOOP
        EXECUTE format('CREATE TRIGGER audit_events_stay_whole BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay()', part);
    END LOOP;
END $$;
-- +goose StatementEnd

-- When a phone that signed its user in was removed by less than a phone.
ALTER TABLE devices ADD COLUMN lost_at timestamptz;

-- The user whom a set-up link has made, for the page that says so.
ALTER TABLE setup_links ADD COLUMN made_user text NOT NULL DEFAULT '';

CREATE INDEX sessions_to_sweep ON sessions (expires_at);

-- +goose Down
DROP INDEX sessions_to_sweep;
ALTER TABLE setup_links DROP COLUMN made_user;
ALTER TABLE devices DROP COLUMN lost_at;

-- +goose StatementBegin
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('audit_events') LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS audit_events_stay_whole ON %s', part);
    END LOOP;
END $$;
-- +goose StatementEnd
