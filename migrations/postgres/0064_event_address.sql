-- What an event costs the act that it stands for. The address is written with the event: to cut
-- it out of the personal data took the database as long as two indexes. And what is rare among
-- events is found by a word beside those that people typed (app/audit/marks.go), no longer by
-- indexes for it alone, each of which every event opened.
-- +goose Up

-- The words that an event is found by, for the events that there are, and for those of a
-- replica of the version before. The program says the same of its own.
-- +goose StatementBegin
CREATE FUNCTION audit_marks(action text, outcome text, reason text, actor_kind text, actor_id text, target_kind text, target_id text, subject_id text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT ':actor ' || actor_id WHERE actor_kind IN ('user', 'operator') AND actor_id <> subject_id
    UNION ALL SELECT ':target ' || target_id WHERE target_kind NOT IN ('user', 'prompt', 'attempt', 'session', 'device')
    UNION ALL SELECT ':outcome ' || outcome WHERE outcome <> 'success' OR action = 'phone_code.sent'
    UNION ALL SELECT ':reason ' || reason WHERE reason ~ '^[a-z_]+(\.[a-z_]+)+$' OR action = 'phone_code.sent'
    UNION ALL SELECT ':desk' WHERE actor_kind = 'user' AND subject_id <> '' AND actor_id <> subject_id
        OR action LIKE 'bypass.%' OR action LIKE 'call_back.%' OR action LIKE 'caller_check.%' OR action LIKE 'case.%' OR action LIKE 'vouch.%'
$$;
-- +goose StatementEnd

ALTER TABLE audit_events ALTER COLUMN address DROP EXPRESSION;

-- Who does not write the address is a replica of the version before.
-- +goose StatementBegin
CREATE FUNCTION audit_events_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.address := split_part(split_part(NEW.personal, '"ip":"', 2), '"', 1);
    INSERT INTO audit_words (tenant_id, word, occurred_at, event_id)
        SELECT NEW.tenant_id, m, NEW.occurred_at, NEW.id FROM audit_marks(NEW.action, NEW.outcome, NEW.reason, NEW.actor_kind, NEW.actor_id, NEW.target_kind, NEW.target_id, NEW.subject_id) m;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events_come BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.address IS NULL) EXECUTE FUNCTION audit_events_before();

-- The address goes with the personal data, also when that version erases them. Triggers come in
-- the order of their names: this before audit_events_stay, which lets an address go that follows.
-- +goose StatementBegin
CREATE FUNCTION audit_events_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.address := '';
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events_forget BEFORE UPDATE ON audit_events FOR EACH ROW WHEN (NEW.personal = '' AND NEW.salt = '') EXECUTE FUNCTION audit_events_forget();

-- +goose Down
DROP TRIGGER audit_events_forget ON audit_events;
DROP FUNCTION audit_events_forget();
DROP TRIGGER audit_events_come ON audit_events;
DROP FUNCTION audit_events_before();
DROP INDEX audit_events_by_address;
ALTER TABLE audit_events DROP COLUMN address;
ALTER TABLE audit_events ADD COLUMN address text GENERATED ALWAYS AS (split_part(split_part(personal, '"ip":"', 2), '"', 1)) STORED;
CREATE INDEX audit_events_by_address ON audit_events (address, tenant_id, occurred_at, id) WHERE personal <> '';
DROP FUNCTION audit_marks(text, text, text, text, text, text, text, text);
