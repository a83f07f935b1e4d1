-- The registration campaign: who is asked to register a phone, and what became of it; see app/campaign.
-- +goose Up
ALTER TABLE tenants ADD COLUMN campaign_snooze_days integer NOT NULL DEFAULT 3;  -- for which it can be put off
ALTER TABLE tenants ADD COLUMN campaign_skips integer NOT NULL DEFAULT 3;        -- how often; then it is required
ALTER TABLE sessions ADD COLUMN asks_phone boolean NOT NULL DEFAULT FALSE;       -- its user is to register one first

CREATE TABLE campaign_people (
    tenant_id      text      NOT NULL,
    user_id        text      NOT NULL,
    asked_at       timestamptz NOT NULL,             -- first
    last_asked_at  timestamptz NOT NULL,
    times          integer   NOT NULL,
    skips          integer   NOT NULL DEFAULT 0,
    snoozed_until  timestamptz,
    help_asked_at  timestamptz,                      -- they cannot, and said so
    started_at     timestamptz,                      -- a phone was begun to be added
    registered_at  timestamptz,                      -- phone sign-in was turned on
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX campaign_people_in_need ON campaign_people (tenant_id, help_asked_at) WHERE help_asked_at IS NOT NULL AND registered_at IS NULL;
SELECT tenant_wall('campaign_people');

-- +goose Down
DROP TABLE campaign_people;
ALTER TABLE sessions DROP COLUMN asks_phone;
ALTER TABLE tenants DROP COLUMN campaign_skips;
ALTER TABLE tenants DROP COLUMN campaign_snooze_days;
