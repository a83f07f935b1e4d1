-- Reading the audit, by whatever somebody asks for; see app/trail.
-- +goose Up

-- Each index is one way to walk events in the order of time. What is rare in the events of
-- sign-ins is kept out of the ones that would have them all: those cost an act nothing.
CREATE INDEX audit_events_by_action ON audit_events (action, tenant_id, occurred_at, id);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, tenant_id, occurred_at, id) WHERE actor_kind IN ('user', 'operator') AND actor_id <> subject_id;
CREATE INDEX audit_events_by_target ON audit_events (target_id, tenant_id, occurred_at, id) WHERE target_kind NOT IN ('user', 'prompt', 'attempt', 'session', 'device');
CREATE INDEX audit_events_by_outcome ON audit_events (outcome, tenant_id, occurred_at, id) WHERE outcome <> 'success';
CREATE INDEX audit_events_by_reason ON audit_events (substr(reason, 1, 80), tenant_id, occurred_at, id) WHERE reason <> '';
CREATE INDEX audit_events_by_address ON audit_events (CASE WHEN personal <> '' THEN json_extract(personal, '$.ip') END, tenant_id, occurred_at, id) WHERE personal <> '';
CREATE INDEX audit_events_of_desk ON audit_events (tenant_id, occurred_at, id) WHERE
    (actor_kind = 'user' AND subject_id <> '' AND actor_id <> subject_id OR action LIKE 'bypass.%' OR action LIKE 'call_back.%' OR action LIKE 'caller_check.%' OR action LIKE 'case.%' OR action LIKE 'vouch.%');

-- Which words stand in the reasons that people give, and beside them. Written with the
-- event, in small letters and by bytes.
CREATE TABLE audit_words (
    tenant_id    text             NOT NULL,
    word         text NOT NULL,
    occurred_at  timestamp        NOT NULL,
    event_id     text             NOT NULL,
    PRIMARY KEY (tenant_id, word, occurred_at, event_id)
);
INSERT INTO audit_words (tenant_id, word, occurred_at, event_id)
    WITH RECURSIVE said (tenant_id, occurred_at, id, word, rest) AS (
        SELECT tenant_id, occurred_at, id, '', replace(replace(replace(replace(replace(replace(replace(lower(reason), ',', ' '), '.', ' '), ':', ' '), ';', ' '), '-', ' '), '/', ' '), '#', ' ') || ' '
            FROM audit_events WHERE reason LIKE '% %'
        UNION ALL
        SELECT tenant_id, occurred_at, id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM said WHERE rest <> '')
    SELECT DISTINCT tenant_id, substr(word, 1, 64), occurred_at, id FROM said WHERE length(word) >= 2;

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
