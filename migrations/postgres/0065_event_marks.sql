-- The marks of the events from before there were any, and an end to the indexes that they are
-- there instead of. New events have theirs since the step before: nothing waits for this.
-- +goose Up
INSERT INTO audit_words (tenant_id, word, occurred_at, event_id)
    SELECT e.tenant_id, m, e.occurred_at, e.id FROM audit_events e, audit_marks(e.action, e.outcome, e.reason, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.subject_id) m
    ON CONFLICT DO NOTHING;
DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_target;
DROP INDEX audit_events_by_outcome;
DROP INDEX audit_events_by_reason;
DROP INDEX audit_events_of_desk;

-- +goose Down
CREATE INDEX audit_events_of_desk ON audit_events (tenant_id, occurred_at, id) WHERE
    (actor_kind = 'user' AND subject_id <> '' AND actor_id <> subject_id OR action LIKE 'bypass.%' OR action LIKE 'call_back.%' OR action LIKE 'caller_check.%' OR action LIKE 'case.%' OR action LIKE 'vouch.%');
CREATE INDEX audit_events_by_reason ON audit_events (reason, tenant_id, occurred_at, id) WHERE reason <> '' AND length(reason) <= 80;
CREATE INDEX audit_events_by_outcome ON audit_events (outcome, tenant_id, occurred_at, id) WHERE outcome <> 'success';
CREATE INDEX audit_events_by_target ON audit_events (target_id, tenant_id, occurred_at, id) WHERE target_kind NOT IN ('user', 'prompt', 'attempt', 'session', 'device');
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, tenant_id, occurred_at, id) WHERE actor_kind IN ('user', 'operator') AND actor_id <> subject_id;
DELETE FROM audit_words WHERE word LIKE ':%';
