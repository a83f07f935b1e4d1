-- How long sessions live, which browsers are trusted, and what a session may not
-- do until it is proved again.
-- +goose Up
ALTER TABLE tenants ADD COLUMN idle_minutes integer NOT NULL DEFAULT 60;   -- 5 to 60: a session ends after so long without use
ALTER TABLE tenants ADD COLUMN session_hours integer NOT NULL DEFAULT 24;  -- 1 to 24: and after so long in any case
ALTER TABLE tenants ADD COLUMN trust_days integer NOT NULL DEFAULT 14;     -- 0 to 30: how long a browser is trusted; 0: none is

-- A browser in which a user chose to stay signed in. Its token is another one after
-- each sign-in: the one before it, when it comes back, was copied.
CREATE TABLE trusted_browsers (
    tenant_id        text      NOT NULL,
    id               text      NOT NULL,
    user_id          text      NOT NULL,
    browser          text      NOT NULL,             -- in words
    token_digest     text      NOT NULL,
    previous_digest  text      NOT NULL DEFAULT '',  -- of the token before
    turned_by        text      NOT NULL,             -- digest of the cookie of the browser that was given the token
    created_at       timestamp NOT NULL,
    last_used_at     timestamp NOT NULL,
    ends_at          timestamp NOT NULL,
    ended_at         timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX trusted_browsers_of_user ON trusted_browsers (user_id, tenant_id) WHERE ended_at IS NULL;
CREATE INDEX trusted_browsers_to_sweep ON trusted_browsers (ends_at);

ALTER TABLE sessions ADD COLUMN limited boolean NOT NULL DEFAULT FALSE;  -- approved by phone from a browser unknown to its user, until it is proved again
ALTER TABLE sessions ADD COLUMN trusted_id text NOT NULL DEFAULT '';     -- the trusted browser that it was begun in
ALTER TABLE attempts ADD COLUMN stay boolean NOT NULL DEFAULT FALSE;     -- chosen on a page of it: stay signed in
ALTER TABLE attempts ADD COLUMN trusted boolean NOT NULL DEFAULT FALSE;  -- when it began, its browser was one that its user trusts
ALTER TABLE notices ADD COLUMN session_id text NOT NULL DEFAULT '';      -- that it tells of, to be undone
CREATE INDEX notices_of_session ON notices (session_id, tenant_id) WHERE session_id <> '';

-- +goose Down
DROP INDEX notices_of_session;
ALTER TABLE notices DROP COLUMN session_id;
ALTER TABLE attempts DROP COLUMN trusted;
ALTER TABLE attempts DROP COLUMN stay;
ALTER TABLE sessions DROP COLUMN trusted_id;
ALTER TABLE sessions DROP COLUMN limited;
DROP TABLE trusted_browsers;
ALTER TABLE tenants DROP COLUMN trust_days;
ALTER TABLE tenants DROP COLUMN session_hours;
ALTER TABLE tenants DROP COLUMN idle_minutes;
