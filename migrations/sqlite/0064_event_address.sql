-- The address of an event is a column; see postgres/.
-- +goose Up
DROP TRIGGER audit_events_no_update;
ALTER TABLE audit_events ADD COLUMN address text NOT NULL DEFAULT '';
UPDATE audit_events SET address = COALESCE(json_extract(personal, '$.ip'), '') WHERE personal <> '';
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN NOT (NEW.personal = '' AND NEW.salt = '' AND NEW.address = '' AND NEW.tenant_id IS OLD.tenant_id AND NEW.id IS OLD.id AND NEW.occurred_at IS OLD.occurred_at
    AND NEW.action IS OLD.action AND NEW.outcome IS OLD.outcome AND NEW.reason IS OLD.reason AND NEW.actor_kind IS OLD.actor_kind AND NEW.actor_id IS OLD.actor_id
    AND NEW.target_kind IS OLD.target_kind AND NEW.target_id IS OLD.target_id AND NEW.subject_id IS OLD.subject_id AND NEW.thread_id IS OLD.thread_id
    AND NEW.request_id IS OLD.request_id AND NEW.record IS OLD.record AND NEW.rowid IS OLD.rowid)
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
DROP INDEX audit_events_by_address;
CREATE INDEX audit_events_by_address ON audit_events (address, tenant_id, occurred_at, id) WHERE personal <> '';

-- +goose Down
DROP INDEX audit_events_by_address;
CREATE INDEX audit_events_by_address ON audit_events (CASE WHEN personal <> '' THEN json_extract(personal, '$.ip') END, tenant_id, occurred_at, id) WHERE personal <> '';
DROP TRIGGER audit_events_no_update;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN NOT (NEW.personal = '' AND NEW.salt = '' AND NEW.tenant_id IS OLD.tenant_id AND NEW.id IS OLD.id AND NEW.occurred_at IS OLD.occurred_at
    AND NEW.action IS OLD.action AND NEW.outcome IS OLD.outcome AND NEW.reason IS OLD.reason AND NEW.actor_kind IS OLD.actor_kind AND NEW.actor_id IS OLD.actor_id
    AND NEW.target_kind IS OLD.target_kind AND NEW.target_id IS OLD.target_id AND NEW.subject_id IS OLD.subject_id AND NEW.thread_id IS OLD.thread_id
    AND NEW.request_id IS OLD.request_id AND NEW.record IS OLD.record AND NEW.rowid IS OLD.rowid)
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed or deleted');
END;
-- +goose StatementEnd
ALTER TABLE audit_events DROP COLUMN address;
