-- Break-glass accounts: the way in for the day on which every other one has failed, sealed
-- on paper by two people; see app/breakglass.
-- +goose Up

-- No rule of ways or features holds such an account back, and nothing but its sheet lets
-- it in.
ALTER TABLE users ADD COLUMN break_glass boolean NOT NULL DEFAULT FALSE;

CREATE TABLE break_glass_accounts (
    tenant_id    text        NOT NULL,
    user_id      text        NOT NULL,
    made_by      text        NOT NULL,
    approved_by  text        NOT NULL,
    made_at      timestamp NOT NULL,
    drilled_at   timestamp,
    drilled_by   text        NOT NULL DEFAULT '',
    reminded_at  timestamp,                        -- that a drill is due
    alarms       integer     NOT NULL DEFAULT 0,     -- of refusals, since alarmed_from
    alarmed_from timestamp,
    removed_at   timestamp,
    removed_by   text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX break_glass_accounts_there ON break_glass_accounts (tenant_id) WHERE removed_at IS NULL;

CREATE TABLE break_glass_sheets (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    user_id       text        NOT NULL,
    state         text        NOT NULL,             -- approved, sealed, used, replaced, expired, withdrawn
    serial        text        NOT NULL DEFAULT '',
    hash          text        NOT NULL DEFAULT '',  -- PHC string of the code; empty unless it is sealed
    outside       text        NOT NULL DEFAULT '',  -- keyed digest of the number on the outside
    reason        text        NOT NULL,
    ticket        text        NOT NULL,
    requested_by  text        NOT NULL,
    approved_by   text        NOT NULL,
    approved_at   timestamp NOT NULL,
    expires_at    timestamp NOT NULL,             -- until then it may be printed
    printed_by    text        NOT NULL DEFAULT '',
    printed_at    timestamp,
    used_at       timestamp,
    used_for      text        NOT NULL DEFAULT '',  -- sign_in, outage
    ended_at      timestamp,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES break_glass_accounts (tenant_id, user_id)
);
CREATE UNIQUE INDEX break_glass_sheets_sealed ON break_glass_sheets (user_id, tenant_id) WHERE state = 'sealed';
CREATE UNIQUE INDEX break_glass_sheets_waiting ON break_glass_sheets (user_id, tenant_id) WHERE state = 'approved';
CREATE INDEX break_glass_sheets_to_lapse ON break_glass_sheets (expires_at) WHERE state = 'approved';


-- +goose Down
DROP TABLE break_glass_sheets;
DROP TABLE break_glass_accounts;
ALTER TABLE users DROP COLUMN break_glass;
