-- Cases of the helpdesk; see app/cases.
-- +goose Up
CREATE TABLE cases (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL,
    number     integer     NOT NULL,             -- of its tenant, see case_numbers
    user_id    text        NOT NULL,
    cause      text        NOT NULL,             -- lost, broken, stolen, new_phone, no_coverage, other
    words      text        NOT NULL,
    ticket     text        NOT NULL DEFAULT '',
    state      text        NOT NULL,             -- open, waiting, closed
    owner_id   text        NOT NULL,
    opened_by  text        NOT NULL,
    repeats    integer     NOT NULL DEFAULT 0,   -- other cases of the user in the 30 days before
    opened_at  timestamp NOT NULL,
    closed_at  timestamp,
    closed_by  text        NOT NULL DEFAULT '',
    ending     text        NOT NULL DEFAULT '',  -- why it was closed
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, number),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX cases_one ON cases (user_id, tenant_id) WHERE state <> 'closed';
CREATE INDEX cases_of_user ON cases (user_id, tenant_id, opened_at);
-- An index for each cut of the board.
CREATE INDEX cases_standing ON cases (tenant_id, opened_at, id) WHERE state <> 'closed';
CREATE INDEX cases_by_state ON cases (state, tenant_id, opened_at, id);
CREATE INDEX cases_standing_of_owner ON cases (owner_id, tenant_id, opened_at, id) WHERE state <> 'closed';
CREATE INDEX cases_by_state_of_owner ON cases (owner_id, state, tenant_id, opened_at, id);

-- The last number of a tenant.
CREATE TABLE case_numbers (
    tenant_id  text    NOT NULL PRIMARY KEY REFERENCES tenants (id),
    last       integer NOT NULL
);

-- What a case is about.
CREATE TABLE case_links (
    tenant_id  text        NOT NULL,
    case_id    text        NOT NULL,
    kind       text        NOT NULL,  -- device, prompt, bypass
    target_id  text        NOT NULL,  -- of a device the account on it
    added_by   text        NOT NULL,
    added_at   timestamp NOT NULL,
    PRIMARY KEY (tenant_id, case_id, kind, target_id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES cases (tenant_id, id)
);

CREATE TABLE case_notes (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL,
    case_id    text        NOT NULL,
    author_id  text        NOT NULL,
    words      text        NOT NULL,
    at         timestamp NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES cases (tenant_id, id)
);
CREATE INDEX case_notes_of_case ON case_notes (case_id, tenant_id, at);
-- +goose StatementBegin
CREATE TRIGGER case_notes_stay BEFORE UPDATE ON case_notes
BEGIN
    SELECT RAISE(ABORT, 'notes of cases are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER case_notes_stay_there BEFORE DELETE ON case_notes
BEGIN
    SELECT RAISE(ABORT, 'notes of cases are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE case_notes;
DROP TABLE case_links;
DROP TABLE case_numbers;
DROP TABLE cases;
