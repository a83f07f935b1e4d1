-- What is on although it is discouraged: who has looked at it, why it stays, and when to
-- look again; see app/risk.
-- +goose Up
CREATE TABLE risk_acknowledgements (
    tenant_id  text        NOT NULL REFERENCES tenants (id),
    risk       text        NOT NULL,
    at         timestamp NOT NULL,
    id         text        NOT NULL,
    by_id      text        NOT NULL,
    reason     text        NOT NULL,
    ticket     text        NOT NULL,
    people     integer     NOT NULL,  -- that it concerned then
    until      timestamp NOT NULL,  -- from then on it is to be looked at again
    PRIMARY KEY (tenant_id, risk, at, id)
);

-- +goose Down
DROP TABLE risk_acknowledgements;
