-- Tickets: the word under which somebody else's system keeps what an act was done for.
-- +goose Up
ALTER TABLE approval_requests ADD COLUMN ticket text NOT NULL DEFAULT '';
ALTER TABLE imports ADD COLUMN ticket text NOT NULL DEFAULT '';
ALTER TABLE method_versions ADD COLUMN ticket text NOT NULL DEFAULT '';
ALTER TABLE static_passcodes ADD COLUMN ticket text NOT NULL DEFAULT '';
ALTER TABLE operator_grants ADD COLUMN ticket text NOT NULL DEFAULT '';

-- Which audit events a ticket has: written with them, and found by the beginning of
-- its name in small letters. By bytes, on every database alike, so that it is a range.
CREATE TABLE ticket_events (
    tenant_id    text             NOT NULL,
    ticket_key   text COLLATE "C" NOT NULL,  -- in small letters
    occurred_at  timestamptz      NOT NULL,
    event_id     text             NOT NULL,
    ticket       text             NOT NULL,  -- as it was typed
    actor_id     text             NOT NULL,  -- the user who acted; empty for others
    subject_id   text             NOT NULL,
    PRIMARY KEY (tenant_id, ticket_key, occurred_at, event_id)
);
CREATE INDEX ticket_events_of_actor ON ticket_events (actor_id, ticket_key, occurred_at, event_id, tenant_id);
SELECT tenant_wall('ticket_events');

-- +goose Down
DROP TABLE ticket_events;
ALTER TABLE operator_grants DROP COLUMN ticket;
ALTER TABLE static_passcodes DROP COLUMN ticket;
ALTER TABLE method_versions DROP COLUMN ticket;
ALTER TABLE imports DROP COLUMN ticket;
ALTER TABLE approval_requests DROP COLUMN ticket;
