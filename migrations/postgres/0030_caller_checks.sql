-- Caller checks: proof, before a bypass, that whoever is on the line is the user; see app/callercheck.
-- +goose Up
CREATE TABLE caller_checks (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    user_id      text        NOT NULL,             -- who the caller says they are
    agent_id     text        NOT NULL,             -- who began it, and for whom alone it counts
    case_id      text        NOT NULL,
    via          text        NOT NULL,             -- phone, backup_phone, manager
    asked_id     text        NOT NULL,             -- whose phone is asked: the user's, or their manager's
    ticket       text        NOT NULL DEFAULT '',
    state        text        NOT NULL,             -- pending, proved, denied, reported, failed, expired, withdrawn
    wrong        boolean     NOT NULL DEFAULT FALSE, -- denied by a wrong number
    prompt_id    text        NOT NULL DEFAULT '',
    phone_id     text        NOT NULL DEFAULT '',  -- the backup phone that a code went to
    channel      text        NOT NULL DEFAULT '',  -- how it went there
    tries        integer     NOT NULL DEFAULT 0,   -- of that code
    begun_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,                    -- of the question
    ended_at     timestamptz,
    proved_at    timestamptz,
    proved_with  text        NOT NULL DEFAULT '',  -- the account on a phone, or the backup phone
    spent_at     timestamptz,
    spent_for    text        NOT NULL DEFAULT '',  -- the one act that it was good for
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES cases (tenant_id, id)
);
CREATE UNIQUE INDEX caller_checks_one ON caller_checks (user_id, tenant_id) WHERE state = 'pending';
CREATE INDEX caller_checks_of_user ON caller_checks (user_id, tenant_id, begun_at);
CREATE INDEX caller_checks_of_case ON caller_checks (case_id, tenant_id, begun_at);
CREATE INDEX caller_checks_to_lapse ON caller_checks (expires_at) WHERE state = 'pending';
CREATE INDEX caller_checks_unused ON caller_checks (proved_at) WHERE state = 'proved' AND spent_at IS NULL;
SELECT tenant_wall('caller_checks');

-- Who may confirm a person on their own phone: their manager. Empty: nobody.
ALTER TABLE users ADD COLUMN manager_id text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE users DROP COLUMN manager_id;
DROP TABLE caller_checks;
