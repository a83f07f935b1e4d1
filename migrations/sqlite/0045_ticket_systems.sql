-- The ticket system of a tenant, which is asked before a bypass and told after it; see app/ticketsystem.
-- +goose Up
CREATE TABLE ticket_systems (
    tenant_id   text        PRIMARY KEY REFERENCES tenants (id),
    url         text        NOT NULL,
    secret      text        NOT NULL,             -- sealed
    tells       text        NOT NULL,             -- name, id: what it is told of people
    when_down   text        NOT NULL,             -- block, pass
    notes       integer     NOT NULL DEFAULT 0,   -- number of the last note
    version     integer     NOT NULL,
    changed_by  text        NOT NULL,
    changed_at  timestamp NOT NULL
);

-- What it answered before a bypass. The id is that of the act which was asked about.
CREATE TABLE ticket_answers (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    ticket        text        NOT NULL,
    user_id       text        NOT NULL,
    agent_id      text        NOT NULL,
    answer        text        NOT NULL,           -- open, not_open, not_theirs, none
    fault         text        NOT NULL DEFAULT '', -- why there was none
    milliseconds  integer     NOT NULL,
    asked_at      timestamp NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ticket_answers_of_tenant ON ticket_answers (tenant_id, asked_at);
CREATE INDEX ticket_answers_to_sweep ON ticket_answers (asked_at);
CREATE INDEX outbox_ticket_notes ON outbox (tenant_id, created_at) WHERE kind = 'ticket_note';

ALTER TABLE bypasses ADD COLUMN ticket_check text NOT NULL DEFAULT '';  -- the answer that it rests on; empty: nobody was asked

-- +goose Down
ALTER TABLE bypasses DROP COLUMN ticket_check;
DROP INDEX outbox_ticket_notes;
DROP TABLE ticket_answers;
DROP TABLE ticket_systems;
