-- Rules tried on sign-ins that were; see app/replay.
-- +goose Up
CREATE TABLE replays (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    id          text        NOT NULL,
    state       text        NOT NULL,             -- running, done, failed
    draft       text        NOT NULL,             -- the rules that are tried, see decision.Rules
    base        text        NOT NULL,             -- those that held when it was begun
    days        integer     NOT NULL,             -- that it goes back at most
    most        integer     NOT NULL,             -- decisions that it takes at most, the newest
    total       integer     NOT NULL DEFAULT 0,   -- that there are
    done        integer     NOT NULL DEFAULT 0,
    tally       text        NOT NULL DEFAULT '',  -- JSON, as far as it is
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL,
    held_at     timestamptz,                      -- last sign of life of whoever is at it
    ended_at    timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX replays_newest ON replays (tenant_id, created_at);
CREATE INDEX replays_running ON replays (created_at) WHERE state = 'running';
SELECT tenant_wall('replays');

-- +goose Down
DROP TABLE replays;
