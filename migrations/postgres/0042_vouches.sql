-- The word of somebody else by which a session that a bypass made binds something new;
-- see app/vouch.
-- +goose Up
CREATE TABLE vouches (
    tenant_id       text        NOT NULL,
    id              text        NOT NULL,
    user_id         text        NOT NULL,
    session_id      text        NOT NULL,             -- for which alone it counts
    bypass_id       text        NOT NULL,
    case_id         text        NOT NULL DEFAULT '',
    kind            text        NOT NULL,             -- manager
    asked_id        text        NOT NULL,             -- whose word is asked
    prompt_id       text        NOT NULL DEFAULT '',
    state           text        NOT NULL,             -- pending, given, denied, reported, failed, expired, withdrawn
    begun_at        timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,             -- of the question
    ended_at        timestamptz,
    given_with      text        NOT NULL DEFAULT '',  -- the account on the phone
    used_at         timestamptz,                      -- it is good for one thing that is bound
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, bypass_id) REFERENCES bypasses (tenant_id, id)
);
CREATE UNIQUE INDEX vouches_one ON vouches (session_id, tenant_id) WHERE state = 'pending';
CREATE INDEX vouches_of_session ON vouches (session_id, tenant_id, begun_at);
CREATE INDEX vouches_of_case ON vouches (case_id, tenant_id, begun_at) WHERE case_id <> '';
CREATE INDEX vouches_to_lapse ON vouches (expires_at) WHERE state = 'pending';
SELECT tenant_wall('vouches');

-- +goose Down
DROP TABLE vouches;
