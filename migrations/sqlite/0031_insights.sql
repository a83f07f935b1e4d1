-- Figures of a tenant, counted beforehand; see app/insight.
-- +goose Up

-- When a tenant was counted last, and what was found of its people.
CREATE TABLE insights (
    tenant_id  text        PRIMARY KEY REFERENCES tenants (id),
    people     text        NOT NULL DEFAULT '',  -- JSON, see insight.Crowd; empty: not yet
    taken_at   timestamp,
    held_at    timestamp                       -- somebody is at it since
);

-- A figure of one day, in UTC.
CREATE TABLE insight_days (
    tenant_id  text   NOT NULL REFERENCES tenants (id),
    day        text   NOT NULL,  -- 2026-11-29
    subject    text   NOT NULL,  -- way:NAME or feature:NAME
    figure     text   NOT NULL,
    n          integer NOT NULL,
    PRIMARY KEY (tenant_id, day, subject, figure)
);
CREATE INDEX insight_days_to_sweep ON insight_days (day);

-- Which ways in somebody used, to the day.
CREATE TABLE way_uses (
    tenant_id  text        NOT NULL,
    user_id    text        NOT NULL,
    way        integer     NOT NULL,  -- bit of users.ways
    first_at   timestamp NOT NULL,
    last_at    timestamp NOT NULL,
    PRIMARY KEY (tenant_id, user_id, way),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

-- Few decisions would be others by what is only reported.
CREATE INDEX decisions_reported ON decisions (tenant_id, decided_at) WHERE would_have <> had OR would_outcome <> outcome;


-- +goose Down
DROP INDEX decisions_reported;
DROP TABLE way_uses;
DROP TABLE insight_days;
DROP TABLE insights;
