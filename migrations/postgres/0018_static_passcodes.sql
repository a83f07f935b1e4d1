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
    approved_at   timestamptz NOT NULL,
    shown_at      timestamptz,
    expires_at    timestamptz NOT NULL,             -- until then it may be shown, and then that it works
    last_used_at  timestamptz,
    ended_at      timestamptz,
    ended_by      text        NOT NULL DEFAULT '',  -- empty: the clock
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX static_passcodes_one ON static_passcodes (user_id, tenant_id) WHERE state IN ('approved', 'active');
CREATE INDEX static_passcodes_to_lapse ON static_passcodes (expires_at) WHERE state IN ('approved', 'active');
CREATE INDEX static_passcodes_of_tenant ON static_passcodes (tenant_id, approved_at);
SELECT tenant_wall('static_passcodes');

-- users.ways: a bit more, 128 for a static passcode.
-- +goose StatementBegin
CREATE FUNCTION users_ways_of_passcode() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE has boolean;
BEGIN
    has = EXISTS (SELECT 1 FROM static_passcodes o WHERE o.tenant_id = NEW.tenant_id AND o.user_id = NEW.user_id AND o.state = 'active');
    UPDATE users SET ways = (ways & ~128) | (CASE WHEN has THEN 128 ELSE 0 END)
        WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id AND (ways & 128 <> 0) <> has;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER users_ways_of_passcode AFTER UPDATE OF state ON static_passcodes FOR EACH ROW EXECUTE FUNCTION users_ways_of_passcode();

-- +goose Down
DROP TABLE static_passcodes;
DROP FUNCTION users_ways_of_passcode();
UPDATE users SET ways = ways & ~128 WHERE ways & 128 <> 0;
