-- What became of sign-ins, and of what that was made; see app/decision.
-- +goose Up

-- The rules that some decision was made by.
CREATE TABLE decision_rules (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    fingerprint  text        NOT NULL,
    rules        text        NOT NULL,  -- JSON, see decision.Rules
    first_at     timestamp NOT NULL,
    PRIMARY KEY (tenant_id, fingerprint)
);

-- One row for each moment that decided something about a sign-in. Who it is of is not
-- looked up: like an attempt it is written on the way, and gone after some days.
CREATE TABLE decisions (
    tenant_id      text        NOT NULL,
    decided_at     timestamp NOT NULL,
    id             text        NOT NULL,
    user_id        text        NOT NULL,
    attempt_id     text        NOT NULL,
    outcome        integer     NOT NULL,             -- 1 passed, 2 asked, 3 blocked
    had            integer     NOT NULL,             -- bits of features
    would_outcome  integer     NOT NULL,             -- if each report were live
    would_have     integer     NOT NULL,
    rules          text        NOT NULL,             -- fingerprint
    record         blob       NOT NULL,             -- see decision.Reader
    differs        text        NOT NULL DEFAULT '',  -- in what the function and the statement did not agree; empty: in nothing
    PRIMARY KEY (tenant_id, decided_at, id)
);
CREATE INDEX decisions_differing ON decisions (tenant_id, decided_at) WHERE differs <> '';

ALTER TABLE tenants ADD COLUMN decision_days integer NOT NULL DEFAULT 30;  -- that decisions are kept


-- +goose Down
ALTER TABLE tenants DROP COLUMN decision_days;
DROP TABLE decisions;
DROP TABLE decision_rules;
