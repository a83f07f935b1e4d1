-- What the console asks about people, roles and approvals.

-- +goose Up
-- a bit for each way in: 1 password, 2 phone
ALTER TABLE users ADD COLUMN ways integer NOT NULL DEFAULT 0;
-- of the first sign-in on the last day that had one
ALTER TABLE users ADD COLUMN last_signin_at timestamp;
ALTER TABLE users ADD COLUMN created_by text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN locked_by text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN locked_at timestamp;

UPDATE users SET ways =
    (CASE WHEN password_hash <> '' THEN 1 ELSE 0 END) +
    (CASE WHEN EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = users.tenant_id AND d.user_id = users.id AND d.state = 'active' AND d.phone_sign_in) THEN 2 ELSE 0 END),
    last_signin_at = (SELECT max(s.created_at) FROM sessions s WHERE s.tenant_id = users.tenant_id AND s.user_id = users.id);

-- The ways of a user follow what is bound to them, whoever changes it.
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_new_password AFTER INSERT ON users WHEN NEW.password_hash <> ''
BEGIN
    UPDATE users SET ways = ways | 1 WHERE tenant_id = NEW.tenant_id AND id = NEW.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_password AFTER UPDATE OF password_hash ON users WHEN (NEW.ways & 1 <> 0) <> (NEW.password_hash <> '')
BEGIN
    UPDATE users SET ways = (ways & ~1) | (NEW.password_hash <> '') WHERE tenant_id = NEW.tenant_id AND id = NEW.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_new_phone AFTER INSERT ON devices WHEN NEW.state = 'active' AND NEW.phone_sign_in
BEGIN
    UPDATE users SET ways = ways | 2 WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_phones AFTER UPDATE OF state, phone_sign_in ON devices
BEGIN
    UPDATE users SET ways = (ways & ~2) | CASE WHEN EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = NEW.tenant_id AND d.user_id = NEW.user_id
        AND d.state = 'active' AND d.phone_sign_in) THEN 2 ELSE 0 END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd

-- One index for each filter of the list, so that its first page costs the same
-- among a hundred people and among a million.
CREATE INDEX users_by_state ON users (state, tenant_id, name);
CREATE INDEX users_by_mfa ON users (mfa_state, tenant_id, name);
CREATE INDEX users_with_password ON users (tenant_id, name) WHERE ways & 1 <> 0;
CREATE INDEX users_without_password ON users (tenant_id, name) WHERE ways & 1 = 0;
CREATE INDEX users_with_phone ON users (tenant_id, name) WHERE ways & 2 <> 0;
CREATE INDEX users_without_phone ON users (tenant_id, name) WHERE ways & 2 = 0;
CREATE INDEX users_at_risk ON users (tenant_id, name) WHERE ways & (ways - 1) = 0;
CREATE INDEX users_by_last_signin ON users (tenant_id, last_signin_at, id) WHERE last_signin_at IS NOT NULL;
CREATE INDEX users_never_signed_in ON users (tenant_id, name) WHERE last_signin_at IS NULL;

-- The words by which a person is found: of the display name and of the part
-- before the @, small letters.
CREATE TABLE user_words (
    tenant_id  text NOT NULL,
    word       text NOT NULL,
    user_id    text NOT NULL,
    PRIMARY KEY (tenant_id, word, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
WITH RECURSIVE parts (tenant_id, user_id, word, rest) AS (
    SELECT tenant_id, id, '', replace(replace(replace(replace(lower(display_name || ' ' || substr(name, 1, instr(name, '@') - 1)), '.', ' '), '_', ' '), '+', ' '), '-', ' ') || ' '
    FROM users
    UNION ALL
    SELECT tenant_id, user_id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM parts WHERE rest <> ''
)
INSERT INTO user_words (tenant_id, word, user_id) SELECT DISTINCT tenant_id, substr(word, 1, 64), user_id FROM parts WHERE word <> '';

ALTER TABLE groups ADD COLUMN role text NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN role_by text NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN role_at timestamp;
ALTER TABLE groups ADD COLUMN created_by text NOT NULL DEFAULT '';
CREATE INDEX groups_with_role ON groups (role, tenant_id) WHERE role <> '';

-- of the user, so that members are listed by it
ALTER TABLE group_members ADD COLUMN user_name text NOT NULL DEFAULT '';
ALTER TABLE group_members ADD COLUMN added_by text NOT NULL DEFAULT '';
ALTER TABLE group_members ADD COLUMN added_at timestamp;
UPDATE group_members SET user_name = (SELECT u.name FROM users u WHERE u.tenant_id = group_members.tenant_id AND u.id = group_members.user_id);
CREATE INDEX group_members_by_name ON group_members (group_id, tenant_id, user_name, user_id);

ALTER TABLE role_assignments ADD COLUMN ends_at timestamp;  -- NULL: until it is taken

-- The groups that an assignment is limited to; none: the whole tenant.
CREATE TABLE role_scopes (
    tenant_id  text NOT NULL,
    user_id    text NOT NULL,
    group_id   text NOT NULL,
    PRIMARY KEY (tenant_id, user_id, group_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES role_assignments (tenant_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id)
);

CREATE TABLE custom_roles (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    id           text        NOT NULL,           -- "custom:" and letters: no name of a built-in role
    name         text        NOT NULL,
    permissions  text        NOT NULL,           -- comma-separated
    version      integer     NOT NULL DEFAULT 1,
    created_by   text        NOT NULL,
    created_at   timestamp NOT NULL,
    changed_at   timestamp NOT NULL,
    retired_at   timestamp,                    -- since then nobody holds it
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX custom_roles_by_name ON custom_roles (name, tenant_id) WHERE retired_at IS NULL;

-- An act that waits for a second pair of eyes: frozen, for four hours, once.
CREATE TABLE approval_requests (
    tenant_id        text        NOT NULL REFERENCES tenants (id),
    id               text        NOT NULL,
    kind             text        NOT NULL,
    requester_id     text        NOT NULL,
    target_id        text        NOT NULL,       -- the user it is done to; empty: none
    parameters       text        NOT NULL,       -- JSON, exactly what will run
    difference       text        NOT NULL,       -- JSON, before and after as the requester saw them
    digest           text        NOT NULL,       -- over all of the above
    reason           text        NOT NULL,
    state            text        NOT NULL,       -- pending, done, refused, withdrawn, void, expired
    created_at       timestamp NOT NULL,
    expires_at       timestamp NOT NULL,
    decided_at       timestamp,
    decided_by       text        NOT NULL DEFAULT '',
    decision_reason  text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX approval_requests_by_time ON approval_requests (created_at, tenant_id, id);
CREATE UNIQUE INDEX approval_requests_once ON approval_requests (digest, tenant_id) WHERE state = 'pending';
CREATE INDEX approval_requests_to_lapse ON approval_requests (expires_at) WHERE state = 'pending';

-- The one-time link by which an invited user sets a first password.
CREATE TABLE invitations (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    token_digest  text        NOT NULL,
    user_id       text        NOT NULL,
    created_by    text        NOT NULL,
    created_at    timestamp NOT NULL,
    expires_at    timestamp NOT NULL,
    used_at       timestamp,
    ended_at      timestamp,                   -- replaced by a newer one
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, token_digest),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX invitations_of_user ON invitations (user_id, tenant_id);

-- A list of people that was read and judged, and then carried out as a whole.
CREATE TABLE imports (
    tenant_id   text        NOT NULL REFERENCES tenants (id),
    id          text        NOT NULL,
    file_name   text        NOT NULL,
    rows        text        NOT NULL,            -- JSON
    total       integer     NOT NULL,
    done        integer     NOT NULL DEFAULT 0,
    problems    text        NOT NULL,            -- JSON: row, field, code
    state       text        NOT NULL,            -- checked, running, done, failed
    reason      text        NOT NULL DEFAULT '',
    created_by  text        NOT NULL,
    created_at  timestamp NOT NULL,
    started_at  timestamp,
    ended_at    timestamp,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX imports_by_time ON imports (created_at, tenant_id);

-- What was done to a person's account by somebody else, told on their own pages.
CREATE TABLE notices (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL,
    user_id    text        NOT NULL,
    action     text        NOT NULL,             -- as in the audit
    by_role    text        NOT NULL,             -- of who did it
    reason     text        NOT NULL,
    detail     text        NOT NULL DEFAULT '',  -- such as the name of the phone
    at         timestamp NOT NULL,
    seen_at    timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX notices_of_user ON notices (user_id, tenant_id, at) WHERE seen_at IS NULL;

-- When the session was last seen in the console.
ALTER TABLE sessions ADD COLUMN console_seen_at timestamp;

-- +goose Down
ALTER TABLE sessions DROP COLUMN console_seen_at;
DROP TABLE notices;
DROP TABLE imports;
DROP TABLE invitations;
DROP TABLE approval_requests;
DROP TABLE custom_roles;
DROP TABLE role_scopes;
ALTER TABLE role_assignments DROP COLUMN ends_at;
DROP INDEX group_members_by_name;
ALTER TABLE group_members DROP COLUMN user_name;
ALTER TABLE group_members DROP COLUMN added_by;
ALTER TABLE group_members DROP COLUMN added_at;
DROP INDEX groups_with_role;
ALTER TABLE groups DROP COLUMN role;
ALTER TABLE groups DROP COLUMN role_by;
ALTER TABLE groups DROP COLUMN role_at;
ALTER TABLE groups DROP COLUMN created_by;
DROP TABLE user_words;
DROP INDEX users_never_signed_in;
DROP INDEX users_by_last_signin;
DROP INDEX users_at_risk;
DROP INDEX users_without_phone;
DROP INDEX users_with_phone;
DROP INDEX users_without_password;
DROP INDEX users_with_password;
DROP INDEX users_by_mfa;
DROP INDEX users_by_state;
DROP TRIGGER users_ways_of_phones;
DROP TRIGGER users_ways_of_new_phone;
DROP TRIGGER users_ways_of_password;
DROP TRIGGER users_ways_of_new_password;
ALTER TABLE users DROP COLUMN ways;
ALTER TABLE users DROP COLUMN last_signin_at;
ALTER TABLE users DROP COLUMN created_by;
ALTER TABLE users DROP COLUMN locked_by;
ALTER TABLE users DROP COLUMN locked_at;
