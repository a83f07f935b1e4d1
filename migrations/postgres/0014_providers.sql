-- Who carries SMS, calls and mail for a tenant, how well, and what did not go out.
-- +goose Up
CREATE TABLE providers (
    tenant_id   text        NOT NULL,
    channel     text        NOT NULL,            -- sms, voice, mail
    driver      text        NOT NULL,            -- twilio, webhook, smtp, kept
    url         text        NOT NULL,
    account     text        NOT NULL,            -- by which it knows the tenant
    sender      text        NOT NULL,            -- number or address that receivers see
    credential  text        NOT NULL,            -- sealed; empty for none
    version     integer     NOT NULL,
    changed_by  text        NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, channel),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- What each one did, measured at every message.
CREATE TABLE provider_health (
    tenant_id        text    NOT NULL,
    channel          text    NOT NULL,
    last_success_at  timestamptz,
    last_failure_at  timestamptz,
    failures_in_row  integer NOT NULL DEFAULT 0,
    last_fault       text    NOT NULL DEFAULT '',
    latencies        text    NOT NULL DEFAULT '', -- of the last successes in milliseconds, newest first
    PRIMARY KEY (tenant_id, channel),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- Brakes against toll fraud, where a tenant has its own.
CREATE TABLE message_limits (
    tenant_id   text        NOT NULL PRIMARY KEY,
    countries   text        NOT NULL,            -- that numbers may be of, ISO 3166, with commas between
    daily_most  integer     NOT NULL,            -- messages to phones on one day
    changed_at  timestamptz NOT NULL,
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

ALTER TABLE outbox ADD COLUMN fault text NOT NULL DEFAULT '';  -- why it was not sent the last time
CREATE INDEX outbox_not_sent ON outbox (failed_at, tenant_id) WHERE failed_at IS NOT NULL AND kind <> 'web_push';
SELECT tenant_wall('providers');
SELECT tenant_wall('provider_health');
SELECT tenant_wall('message_limits');

-- +goose Down
DROP INDEX outbox_not_sent;
ALTER TABLE outbox DROP COLUMN fault;
DROP TABLE message_limits;
DROP TABLE provider_health;
DROP TABLE providers;
