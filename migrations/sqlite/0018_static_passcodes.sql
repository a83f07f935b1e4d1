-- Static passcodes: for the worst day of somebody, by four eyes and for hours; see app/passcode.
-- +goose Up
CREATE TABLE static_passcodes (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    user_id       text        NOT NULL,
    state         text        NOT NULL,             -- approved, active, withdrawn, expired
    hash          text        NOT NULL DEFAULT '',  -- PHC string; empty before it was shown and when it has ended
    hours         integer     NOT NULL,             -- that it works from when it is shown
    reason        text        NOT NULL,
    requested_by  text        NOT NULL,
    approved_by   text        NOT NULL,
    shown_by      text        NOT NULL DEFAULT '',
    uses          integer     NOT NULL DEFAULT 0,
    approved_at   timestamp NOT NULL,
    shown_at      timestamp,
    expires_at    timestamp NOT NULL,             -- until then it may be shown, and then that it works
    last_used_at  timestamp,
    ended_at      timestamp,
    ended_by      text        NOT NULL DEFAULT '',  -- empty: the clock
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX static_passcodes_one ON static_passcodes (user_id, tenant_id) WHERE state IN ('approved', 'active');
CREATE INDEX static_passcodes_to_lapse ON static_passcodes (expires_at) WHERE state IN ('approved', 'active');
CREATE INDEX static_passcodes_of_tenant ON static_passcodes (tenant_id, approved_at);

-- users.ways: a bit more, 128 for a static passcode.
-- +goose StatementBegin
CREATE TRIGGER users_ways_of_passcode AFTER UPDATE OF state ON static_passcodes
BEGIN
    UPDATE users SET ways = (ways & ~128) | CASE WHEN EXISTS (SELECT 1 FROM static_passcodes o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id
        AND o.state = 'active') THEN 128 ELSE 0 END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER users_ways_of_passcode;
DROP TABLE static_passcodes;
UPDATE users SET ways = ways & ~128 WHERE ways & 128 <> 0;
