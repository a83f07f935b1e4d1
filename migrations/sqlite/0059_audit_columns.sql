-- Codes of reasons are found by their column as it is; see postgres/.
-- +goose Up
DROP INDEX audit_events_by_reason;
CREATE INDEX audit_events_by_reason ON audit_events (reason, tenant_id, occurred_at, id) WHERE reason <> '' AND length(reason) <= 80;

-- +goose Down
DROP INDEX audit_events_by_reason;
CREATE INDEX audit_events_by_reason ON audit_events (substr(reason, 1, 80), tenant_id, occurred_at, id) WHERE reason <> '';
