-- Requests to the helpdesk from who cannot sign in; see app/cases.
-- +goose Up

-- One request, in the name of somebody or of nobody: it has a number and is kept either
-- way. What is somebody's becomes a case, or a note in the one that stands.
CREATE TABLE case_asks (
    tenant_id       text        NOT NULL,             -- that the domain of the name belongs to
    id              text        NOT NULL,
    number          integer     NOT NULL,             -- that whoever asked was given; of the same row as those of cases
    attempt_id      text        NOT NULL DEFAULT '',  -- in which it was asked; empty: on the pages of somebody signed in
    user_id         text        NOT NULL DEFAULT '',  -- of the name, once it was looked for; empty: nobody's
    subject         text        NOT NULL,             -- of the name, keyed
    browser_digest  text        NOT NULL,
    proved          text        NOT NULL DEFAULT '',  -- what was proved before it was asked, as of sessions; empty: nothing
    cause           text        NOT NULL,             -- as of cases
    words           text        NOT NULL,             -- of whoever asked; empty once a case has them
    state           text        NOT NULL,             -- asked, opened, joined, nobody
    case_id         text        NOT NULL DEFAULT '',
    ip              text        NOT NULL,
    browser         text        NOT NULL,
    asked_at        timestamp NOT NULL,
    disowned_at     timestamp,                      -- the person said by a link that it was not them
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX case_asks_of_attempt ON case_asks (attempt_id, tenant_id) WHERE attempt_id <> '';
CREATE INDEX case_asks_of_browser ON case_asks (browser_digest, subject, tenant_id, asked_at);
CREATE INDEX case_asks_of_case ON case_asks (case_id, tenant_id, asked_at) WHERE case_id <> '';
CREATE INDEX case_asks_by_number ON case_asks (number, tenant_id);
CREATE INDEX case_asks_to_take_in ON case_asks (asked_at) WHERE state = 'asked';
CREATE INDEX case_asks_of_nobody ON case_asks (asked_at) WHERE state = 'nobody';

-- How often was asked lately, by name, address and browser.
CREATE TABLE case_ask_counts (
    tenant_id  text        NOT NULL,
    kind       text        NOT NULL,  -- name (known: of a browser that its person has used), address, browser
    counted    text        NOT NULL,  -- keyed
    since      timestamp NOT NULL,
    asks       integer     NOT NULL,
    PRIMARY KEY (tenant_id, kind, counted)
);
CREATE INDEX case_ask_counts_to_sweep ON case_ask_counts (since);

-- How a case came about: desk, self_service (nothing was proved), account (signed in).
ALTER TABLE cases ADD COLUMN origin text NOT NULL DEFAULT 'desk';
-- The request that a note is of; empty: an agent's.
ALTER TABLE case_notes ADD COLUMN ask_id text NOT NULL DEFAULT '';

-- Where the helpdesk answers, as people dial it, and when. Empty: nobody has said.
ALTER TABLE tenants ADD COLUMN helpdesk_number text NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN helpdesk_hours text NOT NULL DEFAULT '';

-- Names whose domain is nobody's get numbers, too.
CREATE TABLE case_numbers_of_all (
    tenant_id  text    NOT NULL PRIMARY KEY,
    last       integer NOT NULL
);
INSERT INTO case_numbers_of_all SELECT tenant_id, last FROM case_numbers;
DROP TABLE case_numbers;
ALTER TABLE case_numbers_of_all RENAME TO case_numbers;

-- +goose Down
CREATE TABLE case_numbers_of_tenants (
    tenant_id  text    NOT NULL PRIMARY KEY REFERENCES tenants (id),
    last       integer NOT NULL
);
INSERT INTO case_numbers_of_tenants SELECT tenant_id, last FROM case_numbers WHERE tenant_id IN (SELECT id FROM tenants);
DROP TABLE case_numbers;
ALTER TABLE case_numbers_of_tenants RENAME TO case_numbers;
ALTER TABLE tenants DROP COLUMN helpdesk_hours;
ALTER TABLE tenants DROP COLUMN helpdesk_number;
ALTER TABLE case_notes DROP COLUMN ask_id;
ALTER TABLE cases DROP COLUMN origin;
DROP TABLE case_ask_counts;
DROP TABLE case_asks;
