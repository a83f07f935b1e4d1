-- Reading the audit, by whatever somebody asks for; see app/trail.
-- +goose Up

-- Each index is one way to walk events in the order of time. What is rare in the events of
-- sign-ins is kept out of the ones that would have them all: those cost an act nothing.
CREATE INDEX audit_events_by_action ON audit_events (action, tenant_id, occurred_at, id);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, tenant_id, occurred_at, id) WHERE actor_kind IN ('user', 'operator') AND actor_id <> subject_id;
CREATE INDEX audit_events_by_target ON audit_events (target_id, tenant_id, occurred_at, id) WHERE target_kind NOT IN ('user', 'prompt', 'attempt', 'session', 'device');
CREATE INDEX audit_events_by_outcome ON audit_events (outcome, tenant_id, occurred_at, id) WHERE outcome <> 'success';
CREATE INDEX audit_events_by_reason ON audit_events ((substr(reason, 1, 80)), tenant_id, occurred_at, id) WHERE reason <> '';
CREATE INDEX audit_events_by_address ON audit_events ((CASE WHEN personal <> '' THEN substring(personal from '"ip":"([^"]*)"') END), tenant_id, occurred_at, id) WHERE personal <> '';
CREATE INDEX audit_events_of_desk ON audit_events (tenant_id, occurred_at, id) WHERE
    (actor_kind = 'user' AND subject_id <> '' AND actor_id <> subject_id OR action LIKE 'bypass.%' OR action LIKE 'call_back.%' OR action LIKE 'caller_check.%' OR action LIKE 'case.%' OR action LIKE 'vouch.%');

-- Which words stand in the reasons that people give, and beside them. Written with the
-- event, in small letters and by bytes.
CREATE TABLE audit_words (
    tenant_id    text             NOT NULL,
    word         text COLLATE "C" NOT NULL,
    occurred_at  timestamptz      NOT NULL,
    event_id     text             NOT NULL,
    PRIMARY KEY (tenant_id, word, occurred_at, event_id)
);
ALTER TABLE audit_words ALTER COLUMN tenant_id SET (n_distinct = 10);
SELECT tenant_wall('audit_words');
INSERT INTO audit_words (tenant_id, word, occurred_at, event_id)
    SELECT DISTINCT e.tenant_id, left(w, 64), e.occurred_at, e.id FROM audit_events e, regexp_split_to_table(lower(e.reason), '[^[:alnum:]]+') w
    WHERE e.reason <> '' AND e.reason !~ '^[a-z_]+(\.[a-z_]+)+$' AND length(w) >= 2;

-- The cases that somebody handles.
CREATE INDEX cases_of_owner ON cases (owner_id, tenant_id, opened_at);
CREATE INDEX cases_of_opener ON cases (opened_by, tenant_id, opened_at);

-- +goose Down
DROP INDEX cases_of_opener;
DROP INDEX cases_of_owner;
DROP TABLE audit_words;
DROP INDEX audit_events_of_desk;
DROP INDEX audit_events_by_address;
DROP INDEX audit_events_by_reason;
DROP INDEX audit_events_by_outcome;
DROP INDEX audit_events_by_target;
DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_action;
