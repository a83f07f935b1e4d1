-- Applications that people sign in to by OpenID Connect; see app/application.
-- +goose Up
CREATE TABLE applications (
    tenant_id          text        NOT NULL REFERENCES tenants (id),
    id                 text        NOT NULL,             -- its client id
    name               text        NOT NULL,
    kind               text        NOT NULL,             -- public, confidential
    state              text        NOT NULL,             -- on, off
    secret_digest      text        NOT NULL DEFAULT '',  -- of a confidential one
    redirect_uris      text        NOT NULL,             -- one on a line
    logout_uris        text        NOT NULL DEFAULT '',  -- one on a line
    start_url          text        NOT NULL DEFAULT '',  -- where people begin; empty: nowhere
    frequency_minutes  integer     NOT NULL DEFAULT 0,   -- after which a user proves it again; 0: never
    strength           text        NOT NULL DEFAULT '',  -- the least acr; empty: any
    limited            boolean     NOT NULL DEFAULT FALSE, -- to the members of application_groups
    version            integer     NOT NULL DEFAULT 1,
    created_at         timestamp NOT NULL,
    changed_by         text        NOT NULL,
    changed_at         timestamp NOT NULL,
    secret_at          timestamp,                      -- when the secret was made
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX applications_by_name ON applications (tenant_id, lower(name));

CREATE TABLE application_groups (
    tenant_id       text NOT NULL,
    application_id  text NOT NULL,
    group_id        text NOT NULL,
    PRIMARY KEY (tenant_id, application_id, group_id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id)
);
CREATE INDEX application_groups_of_group ON application_groups (tenant_id, group_id);

-- What an application asked a browser for, and what it was given: a code, then tokens.
CREATE TABLE authorizations (
    tenant_id         text        NOT NULL,
    id                text        NOT NULL,
    application_id    text        NOT NULL,
    browser_digest    text        NOT NULL,             -- of the one that it was asked in
    redirect_uri      text        NOT NULL,
    scopes            text        NOT NULL,             -- with spaces between
    state             text        NOT NULL,
    nonce             text        NOT NULL,
    code_challenge    text        NOT NULL,             -- S256
    response_mode     text        NOT NULL,
    silent            boolean     NOT NULL,             -- prompt=none
    afresh            boolean     NOT NULL,             -- prompt=login
    max_age           integer     NOT NULL,             -- seconds; -1: none was asked
    acr_values        text        NOT NULL,
    login_hint        text        NOT NULL,
    created_at        timestamp NOT NULL,
    expires_at        timestamp NOT NULL,             -- from then on the row is of no use
    session_id        text        NOT NULL DEFAULT '',  -- from when it was given a code
    user_id           text        NOT NULL DEFAULT '',
    authenticated_at  timestamp,
    acr               text        NOT NULL DEFAULT '',
    amr               text        NOT NULL DEFAULT '',
    code_digest       text        NOT NULL DEFAULT '',
    code_expires_at   timestamp,
    code_used_at      timestamp,
    ended_at          timestamp,                      -- from then on its tokens are worth nothing
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id)
);
CREATE UNIQUE INDEX authorizations_by_code ON authorizations (code_digest, tenant_id) WHERE code_digest <> '';
CREATE INDEX authorizations_of_session ON authorizations (session_id, tenant_id) WHERE session_id <> '';
CREATE INDEX authorizations_of_application ON authorizations (application_id, tenant_id);
CREATE INDEX authorizations_to_forget ON authorizations (expires_at);

CREATE TABLE application_tokens (
    tenant_id         text        NOT NULL,
    id                text        NOT NULL,             -- of an access token what it holds
    authorization_id  text        NOT NULL,
    kind              text        NOT NULL,             -- access, refresh
    digest            text        NOT NULL DEFAULT '',  -- of a refresh token
    scopes            text        NOT NULL,
    created_at        timestamp NOT NULL,
    expires_at        timestamp NOT NULL,
    used_at           timestamp,                      -- a refresh token works once
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, authorization_id) REFERENCES authorizations (tenant_id, id)
);
CREATE UNIQUE INDEX application_tokens_by_digest ON application_tokens (digest, tenant_id) WHERE digest <> '';
CREATE INDEX application_tokens_of_authorization ON application_tokens (authorization_id, tenant_id);
CREATE INDEX application_tokens_to_forget ON application_tokens (expires_at);

CREATE TABLE application_keys (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    id          text        NOT NULL,  -- kid
    private     text        NOT NULL,  -- sealed
    created_at  timestamp NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- The application that a sign-in was begun by, as people know it; empty: none.
ALTER TABLE attempts ADD COLUMN application text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE attempts DROP COLUMN application;
DROP TABLE application_keys;
DROP TABLE application_tokens;
DROP TABLE authorizations;
DROP TABLE application_groups;
DROP TABLE applications;
