-- Outages of what a tenant reaches its people by: declared, rehearsed, reviewed; see
-- app/outage and app/relaxation.
-- +goose Up

-- One real outage and one rehearsal at a time; those that are over are kept.
CREATE TABLE outages (
    tenant_id     text        NOT NULL REFERENCES tenants (id),
    id            text        NOT NULL,
    drill         boolean     NOT NULL,             -- it changes nothing
    failed        text        NOT NULL,             -- push, sms, voice, mail, with commas between
    relaxes       integer     NOT NULL,             -- bits of relaxation.All
    everybody     boolean     NOT NULL,             -- else the groups of outage_groups
    scope         text        NOT NULL DEFAULT '',  -- the names that they had, with commas between
    reason        text        NOT NULL,
    ticket        text        NOT NULL,
    requested_by  text        NOT NULL,
    approved_by   text        NOT NULL,             -- empty: a rehearsal
    began_at      timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,             -- from then on it has no effect, whoever has written it down
    ended_at      timestamptz,
    ending        text        NOT NULL DEFAULT '',  -- clock, hand, feature
    ended_by      text        NOT NULL DEFAULT '',
    end_reason    text        NOT NULL DEFAULT '',
    signed_at     timestamptz,
    signed_by     text        NOT NULL DEFAULT '',
    report        text        NOT NULL DEFAULT '',  -- JSON, of a rehearsal, see outage.Report
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX outages_under_way ON outages (tenant_id, drill) WHERE ended_at IS NULL;
CREATE INDEX outages_to_end ON outages (ends_at) WHERE ended_at IS NULL;

CREATE TABLE outage_groups (
    tenant_id  text NOT NULL,
    outage_id  text NOT NULL,
    group_id   text NOT NULL,
    PRIMARY KEY (tenant_id, outage_id, group_id),
    FOREIGN KEY (tenant_id, outage_id) REFERENCES outages (tenant_id, id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX outage_groups_of_group ON outage_groups (group_id, tenant_id);

-- Who held an administrative role when it was declared: the weaker ways are opened to none
-- of them.
CREATE TABLE outage_ranks (
    tenant_id  text NOT NULL,
    outage_id  text NOT NULL,
    user_id    text NOT NULL,
    PRIMARY KEY (tenant_id, outage_id, user_id),
    FOREIGN KEY (tenant_id, outage_id) REFERENCES outages (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

-- What somebody could do only because an outage was declared: to be looked at afterwards.
CREATE TABLE outage_uses (
    tenant_id   text        NOT NULL,
    outage_id   text        NOT NULL,
    at          timestamptz NOT NULL,
    id          text        NOT NULL,
    relaxation  text        NOT NULL,
    user_id     text        NOT NULL,
    way         text        NOT NULL,  -- amr values of a sign-in; empty: it was none
    session_id  text        NOT NULL,
    bypass_id   text        NOT NULL,
    agent_id    text        NOT NULL,  -- who gave a bypass; empty: nobody
    signed_at   timestamptz,
    signed_by   text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, outage_id, at, id),
    FOREIGN KEY (tenant_id, outage_id) REFERENCES outages (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX outage_uses_of_session ON outage_uses (session_id, relaxation, outage_id, tenant_id) WHERE session_id <> '' AND relaxation = 'longer_sessions';
CREATE INDEX outage_uses_to_sign ON outage_uses (outage_id, tenant_id, at, id) WHERE signed_at IS NULL;

-- How messages fared, minute by minute: tries, and those that failed by their channel and
-- not by their receiver.
CREATE TABLE channel_minutes (
    tenant_id  text        NOT NULL,
    channel    text        NOT NULL,  -- web_push, sms, voice, mail
    minute     timestamptz NOT NULL,
    tried      integer     NOT NULL,
    failed     integer     NOT NULL,
    PRIMARY KEY (tenant_id, channel, minute)
);
CREATE INDEX channel_minutes_by_time ON channel_minutes (minute);

-- The times in which a channel failed, so that each is told once.
CREATE TABLE channel_failures (
    tenant_id  text        NOT NULL REFERENCES tenants (id),
    channel    text        NOT NULL,
    since      timestamptz NOT NULL,
    tried      integer     NOT NULL,  -- on which it was found
    failed     integer     NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (tenant_id, channel, since)
);
CREATE UNIQUE INDEX channel_failures_under_way ON channel_failures (tenant_id, channel) WHERE ended_at IS NULL;

SELECT tenant_wall('outages');
SELECT tenant_wall('outage_groups');
SELECT tenant_wall('outage_ranks');
SELECT tenant_wall('outage_uses');
SELECT tenant_wall('channel_minutes');
SELECT tenant_wall('channel_failures');

-- +goose Down
DROP TABLE channel_failures;
DROP TABLE channel_minutes;
DROP TABLE outage_uses;
DROP TABLE outage_ranks;
DROP TABLE outage_groups;
DROP TABLE outages;
