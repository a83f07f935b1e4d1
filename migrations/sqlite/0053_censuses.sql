-- Censuses of ways in: counted once a week, signed, never changed; see app/census.
-- +goose Up
CREATE TABLE censuses (
    tenant_id  text        NOT NULL REFERENCES tenants (id),
    number     integer     NOT NULL,             -- from 1
    week       text        NOT NULL,             -- such as 2026-W48; empty: one that somebody asked for
    made_by    text        NOT NULL,             -- empty: the program
    made_at    timestamp NOT NULL,
    statement  text        NOT NULL,             -- JSON, what was signed
    signature  text        NOT NULL,
    names      text        NOT NULL,             -- JSON, who is behind each figure
    PRIMARY KEY (tenant_id, number)
);
CREATE UNIQUE INDEX censuses_of_week ON censuses (tenant_id, week) WHERE week <> '';
-- +goose StatementBegin
CREATE TRIGGER censuses_no_update BEFORE UPDATE ON censuses
BEGIN
    SELECT RAISE(ABORT, 'a census is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER censuses_no_delete BEFORE DELETE ON censuses
BEGIN
    SELECT RAISE(ABORT, 'a census is never changed');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE censuses;
