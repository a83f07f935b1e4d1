-- Features that open by themselves: ramps, and changes for later; see app/ramp,
-- app/rollout and app/release.
-- +goose Up

-- A feature of a tenant that opens step by step. One at a time of each; those that are
-- over are kept.
CREATE TABLE ramps (
    tenant_id     text        NOT NULL REFERENCES tenants (id),
    id            text        NOT NULL,
    feature       text        NOT NULL,
    state         text        NOT NULL,             -- running, paused, halted, done, cancelled, overtaken
    plan          text        NOT NULL,             -- JSON, see ramp.Plan
    before        text        NOT NULL,             -- JSON, the rule of before the first step
    step          integer     NOT NULL,             -- that holds, from 0; -1: the rule of before
    version       integer     NOT NULL,             -- of the feature, that the step made
    turn          integer     NOT NULL,             -- grows with every change of this row
    entered_at    timestamp NOT NULL,             -- when the step began to hold, or was begun anew
    look_at       timestamp NOT NULL,             -- when somebody looks at it next
    day_tries     integer     NOT NULL,             -- of the day before it was begun, see signin.Tally
    day_failed    integer     NOT NULL,
    day_sign_ins  integer     NOT NULL,
    day_bypassed  integer     NOT NULL,
    cause         text        NOT NULL DEFAULT '',  -- why it was halted: failure, bypass, administrators, group
    figures       text        NOT NULL DEFAULT '',  -- JSON, on which
    reason        text        NOT NULL,             -- of who began it
    ticket        text        NOT NULL,
    note          text        NOT NULL DEFAULT '',  -- of who acted on it last
    noted_by      text        NOT NULL DEFAULT '',
    begun_by      text        NOT NULL,
    approved_by   text        NOT NULL,
    begun_at      timestamp NOT NULL,
    ended_at      timestamp,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX ramps_under_way ON ramps (tenant_id, feature) WHERE ended_at IS NULL;
CREATE INDEX ramps_to_look_at ON ramps (look_at) WHERE state IN ('running', 'paused');

-- Sign-ins of people by when they were begun, for what became of them.
CREATE INDEX attempts_of_people ON attempts (tenant_id, created_at) WHERE purpose = 'sign_in' AND user_id <> '';

-- The change of a feature that waits for its time, or that ends by itself.
CREATE TABLE rollout_schedules (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    feature      text        NOT NULL,
    id           text        NOT NULL,
    state        text        NOT NULL,  -- waits, holds
    rule         text        NOT NULL,  -- JSON
    before       text        NOT NULL,  -- JSON, the rule that it replaces, and that comes back at the end
    version      integer     NOT NULL,  -- of the feature: that it was made from, or, when it holds, that it made
    at           timestamp NOT NULL,  -- of what happens next
    ends_at      timestamp,           -- NULL: never
    loosens      boolean     NOT NULL,  -- it needed a second person
    reason       text        NOT NULL,
    ticket       text        NOT NULL,
    made_by      text        NOT NULL,
    approved_by  text        NOT NULL,
    made_at      timestamp NOT NULL,
    PRIMARY KEY (tenant_id, feature)
);
CREATE INDEX rollout_schedules_due ON rollout_schedules (at);

-- The same of what the platform releases.
CREATE TABLE release_schedules (
    feature  text PRIMARY KEY,
    id       text        NOT NULL,
    state    text        NOT NULL,  -- waits, holds
    cells    text        NOT NULL,  -- JSON
    before   text        NOT NULL,  -- JSON, the shares that it replaces, and that come back at the end
    version  integer     NOT NULL,
    at       timestamp NOT NULL,
    ends_at  timestamp,
    reason   text        NOT NULL,
    made_by  text        NOT NULL,
    made_at  timestamp NOT NULL
);
CREATE INDEX release_schedules_due ON release_schedules (at);


-- +goose Down
DROP TABLE release_schedules;
DROP TABLE rollout_schedules;
DROP INDEX attempts_of_people;
DROP TABLE ramps;
