-- +goose Up
CREATE TABLE platform_settings (
    name   text PRIMARY KEY,
    value  text NOT NULL
);

CREATE TABLE tenants (
    id          text PRIMARY KEY,
    slug        text        NOT NULL UNIQUE,
    name        text        NOT NULL,
    region      text        NOT NULL,
    ring        text        NOT NULL,
    state       text        NOT NULL,            -- active, suspended
    match_mode  text        NOT NULL,            -- pick3, type2, type6
    platforms   text        NOT NULL,            -- comma-separated: ios,android,…
    created_at  timestamptz        NOT NULL
);

-- A domain belongs to one tenant of the whole platform, so its key does not start with the tenant.
CREATE TABLE domains (
    domain      text PRIMARY KEY,
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    verified_at timestamptz
);

CREATE TABLE users (
    tenant_id      text        NOT NULL REFERENCES tenants (id),
    id             text        NOT NULL,
    name           text        NOT NULL,         -- the sign-in name, lower case
    display_name   text        NOT NULL,
    state          text        NOT NULL,         -- active, locked, disabled
    mfa_state      text        NOT NULL,         -- disabled, enabled, enforced
    password_hash  text        NOT NULL,         -- PHC string; empty: none
    created_at     timestamptz        NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE groups (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    id          text        NOT NULL,
    name        text        NOT NULL,
    created_at  timestamptz        NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE group_members (
    tenant_id  text NOT NULL,
    group_id   text NOT NULL,
    user_id    text NOT NULL,
    PRIMARY KEY (tenant_id, group_id, user_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX group_members_of_user ON group_members (tenant_id, user_id);

CREATE TABLE role_assignments (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    user_id      text        NOT NULL,
    role         text        NOT NULL,
    assigned_by  text        NOT NULL,
    assigned_at  timestamptz        NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

-- One row for each account on a phone: the same key may hold accounts of several tenants.
CREATE TABLE devices (
    tenant_id          text        NOT NULL,
    account_id         text        NOT NULL,
    id                 text        NOT NULL,     -- thumbprint of the public key (RFC 7638)
    user_id            text        NOT NULL,
    name               text        NOT NULL,
    platform           text        NOT NULL,     -- ios, android, desktop, terminal
    public_key         text        NOT NULL,     -- x and y, base64url
    pin_digest         text        NOT NULL,
    pin_tries          integer     NOT NULL DEFAULT 0,
    state              text        NOT NULL,     -- active, revoked, disabled, removed
    phone_sign_in      boolean     NOT NULL DEFAULT FALSE,
    preferred          boolean     NOT NULL DEFAULT FALSE,
    push_subscription  text        NOT NULL DEFAULT '',
    created_at         timestamptz        NOT NULL,
    last_used_at       timestamptz,
    ended_at           timestamptz,
    PRIMARY KEY (tenant_id, account_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX devices_of_user ON devices (tenant_id, user_id);
CREATE INDEX devices_by_key ON devices (id);
CREATE UNIQUE INDEX devices_once_a_user ON devices (tenant_id, user_id, id) WHERE state = 'active';

-- Phone sign-in is registered with one organisation at a time: the key is the phone's alone.
CREATE TABLE registrations (
    device_id      text PRIMARY KEY,
    tenant_id      text        NOT NULL,
    registered_at  timestamptz        NOT NULL
);

CREATE TABLE enrolments (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    token_digest  text        NOT NULL,
    user_id       text        NOT NULL,
    session_id    text        NOT NULL,
    account_id    text        NOT NULL DEFAULT '',
    prompt_id     text        NOT NULL DEFAULT '',
    created_at    timestamptz        NOT NULL,
    expires_at    timestamptz        NOT NULL,
    used_at       timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, token_digest),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

-- A prompt without a user belongs to a name that nobody can answer for: unknown, locked or phoneless.
CREATE TABLE prompts (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    subject      text        NOT NULL,
    user_id      text        NOT NULL DEFAULT '',
    kind         text        NOT NULL,
    attempt_id   text        NOT NULL DEFAULT '',
    state        text        NOT NULL,           -- pending, approved, denied, reported, expired
    mode         text        NOT NULL,
    number       text        NOT NULL,
    numbers      text        NOT NULL DEFAULT '',
    nonce        text        NOT NULL,
    application  text        NOT NULL,
    browser      text        NOT NULL,
    ip           text        NOT NULL,
    place        text        NOT NULL DEFAULT '',
    new_browser  boolean     NOT NULL DEFAULT FALSE,
    wrong_number boolean     NOT NULL DEFAULT FALSE,
    account_id   text        NOT NULL DEFAULT '',
    created_at   timestamptz        NOT NULL,
    expires_at   timestamptz        NOT NULL,
    decided_at   timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX prompts_of_subject ON prompts (tenant_id, subject, created_at);
CREATE INDEX prompts_to_lapse ON prompts (expires_at) WHERE state = 'pending';
CREATE UNIQUE INDEX prompts_one_visible ON prompts (tenant_id, subject) WHERE state = 'pending';

CREATE TABLE attempts (
    tenant_id       text        NOT NULL,
    id              text        NOT NULL,
    browser_digest  text        NOT NULL,
    name            text        NOT NULL,        -- as typed
    subject         text        NOT NULL,
    user_id         text        NOT NULL DEFAULT '',
    purpose         text        NOT NULL,        -- sign_in, step_up
    session_id      text        NOT NULL DEFAULT '',
    return_to       text        NOT NULL,
    way             text        NOT NULL,
    prompt_id       text        NOT NULL DEFAULT '',
    state           text        NOT NULL,        -- open, finished, ended
    failures        integer     NOT NULL DEFAULT 0,
    ip              text        NOT NULL,
    browser         text        NOT NULL,
    created_at      timestamptz        NOT NULL,
    expires_at      timestamptz        NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX attempts_to_sweep ON attempts (expires_at);

CREATE TABLE throttles (
    tenant_id     text        NOT NULL,
    subject       text        NOT NULL,
    way           text        NOT NULL,
    in_a_row      integer     NOT NULL DEFAULT 0,  -- failures since the last success
    paused_until  timestamptz,
    changed_at    timestamptz        NOT NULL,
    PRIMARY KEY (tenant_id, subject, way)
);

-- The last used way of each name, known or not.
CREATE TABLE habits (
    tenant_id   text        NOT NULL,
    subject     text        NOT NULL,
    way         text        NOT NULL,
    changed_at  timestamptz        NOT NULL,
    PRIMARY KEY (tenant_id, subject)
);

CREATE TABLE sessions (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    token_digest  text        NOT NULL,
    user_id       text        NOT NULL,
    amr           text        NOT NULL,
    account_id    text        NOT NULL DEFAULT '',  -- the phone that approved it
    browser       text        NOT NULL,
    ip            text        NOT NULL,
    browser_digest text       NOT NULL,
    created_at    timestamptz        NOT NULL,
    proved_at     timestamptz        NOT NULL,
    proved_by     text        NOT NULL,
    last_seen_at  timestamptz        NOT NULL,
    expires_at    timestamptz        NOT NULL,
    ended_at      timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, token_digest),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id);

CREATE UNLOGGED TABLE proofs (
    device_id   text        NOT NULL,
    jti         text        NOT NULL,
    expires_at  timestamptz        NOT NULL,
    PRIMARY KEY (device_id, jti)
);
CREATE INDEX proofs_to_sweep ON proofs (expires_at);

CREATE TABLE outbox (
    tenant_id   text        NOT NULL,
    id          text        NOT NULL,
    kind        text        NOT NULL,
    target      text        NOT NULL,
    body        text        NOT NULL,
    tries       integer     NOT NULL DEFAULT 0,
    created_at  timestamptz        NOT NULL,
    due_at      timestamptz        NOT NULL,
    expires_at  timestamptz        NOT NULL,
    sent_at     timestamptz,
    failed_at   timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;

CREATE TABLE setup_links (
    token_digest  text PRIMARY KEY,
    created_at    timestamptz NOT NULL,
    used_at       timestamptz
);

CREATE TABLE audit_events (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    occurred_at  timestamptz        NOT NULL,
    action       text        NOT NULL,
    outcome      text        NOT NULL,
    reason       text        NOT NULL,
    actor_kind   text        NOT NULL,
    actor_id     text        NOT NULL,
    target_kind  text        NOT NULL,
    target_id    text        NOT NULL,
    subject_id   text        NOT NULL,           -- the user whose story this belongs to
    thread_id    text        NOT NULL,           -- the attempt, case or session that ties events together
    request_id   text        NOT NULL,
    record       bytea       NOT NULL,           -- canonical bytes, what is hashed
    personal     text        NOT NULL,           -- address, browser, names: erased apart
    salt         text        NOT NULL,
    PRIMARY KEY (tenant_id, occurred_at, id)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX audit_events_of_subject ON audit_events (tenant_id, subject_id, occurred_at, id);
CREATE INDEX audit_events_of_thread ON audit_events (tenant_id, thread_id, occurred_at);
-- The net below the months that the running program makes ahead of time.
CREATE TABLE audit_events_rest PARTITION OF audit_events DEFAULT;

-- +goose StatementBegin
CREATE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or deleted';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_stay();

-- +goose Down
DROP TABLE audit_events;
DROP FUNCTION audit_events_stay();
DROP TABLE setup_links;
DROP TABLE outbox;
DROP TABLE proofs;
DROP TABLE sessions;
DROP TABLE habits;
DROP TABLE throttles;
DROP TABLE attempts;
DROP TABLE prompts;
DROP TABLE enrolments;
DROP TABLE registrations;
DROP TABLE devices;
DROP TABLE role_assignments;
DROP TABLE group_members;
DROP TABLE groups;
DROP TABLE users;
DROP TABLE domains;
DROP TABLE tenants;
DROP TABLE platform_settings;
