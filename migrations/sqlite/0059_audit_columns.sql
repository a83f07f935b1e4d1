-- Codes of reasons are found by their column as it is, held caller checks by their action; see postgres/.
-- +goose Up
DROP INDEX audit_events_by_reason;
CREATE INDEX audit_events_by_reason ON audit_events (reason, tenant_id, occurred_at, id) WHERE reason <> '' AND length(reason) <= 80;
DROP INDEX audit_events_held_checks;

-- +goose Down
CREATE INDEX audit_events_held_checks ON audit_events (tenant_id, occurred_at) WHERE action = 'caller_check.refused';
DROP INDEX audit_events_by_reason;
CREATE INDEX audit_events_by_reason ON audit_events (substr(reason, 1, 80), tenant_id, occurred_at, id) WHERE reason <> '';
