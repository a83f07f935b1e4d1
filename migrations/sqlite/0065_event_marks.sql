-- What is rare among events is found by a word beside those that people typed; see postgres/.
-- +goose Up
INSERT OR IGNORE INTO audit_words (tenant_id, word, occurred_at, event_id)
    SELECT tenant_id, ':actor ' || actor_id, occurred_at, id FROM audit_events WHERE actor_kind IN ('user', 'operator') AND actor_id <> subject_id
    UNION ALL SELECT tenant_id, ':target ' || target_id, occurred_at, id FROM audit_events WHERE target_kind NOT IN ('user', 'prompt', 'attempt', 'session', 'device')
    UNION ALL SELECT tenant_id, ':outcome ' || outcome, occurred_at, id FROM audit_events WHERE outcome <> 'success' OR action = 'phone_code.sent'
    UNION ALL SELECT tenant_id, ':reason ' || reason, occurred_at, id FROM audit_events
        WHERE reason GLOB '[a-z_]*.*[a-z_]' AND reason NOT GLOB '*[^a-z_.]*' AND reason NOT LIKE '%..%' OR action = 'phone_code.sent'
    UNION ALL SELECT tenant_id, ':desk', occurred_at, id FROM audit_events WHERE actor_kind = 'user' AND subject_id <> '' AND actor_id <> subject_id
        OR action LIKE 'bypass.%' OR action LIKE 'call_back.%' OR action LIKE 'caller_check.%' OR action LIKE 'case.%' OR action LIKE 'vouch.%';
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
