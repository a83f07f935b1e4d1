-- Sheets of printed codes that administrators print for others, and where each paper is; see app/stock.
-- +goose Up
CREATE TABLE code_sheet_batches (
    tenant_id     text        NOT NULL REFERENCES tenants (id),
    id            text        NOT NULL,
    number        integer     NOT NULL,                 -- as people call it
    state         text        NOT NULL,                 -- draft, making, made, printed, voided
    group_id      text        NOT NULL DEFAULT '',      -- that was chosen; empty: none
    named         text        NOT NULL DEFAULT '',      -- ids of those who were chosen by name, parted by spaces
    renews        boolean     NOT NULL,                 -- also for who has a sheet that works
    paper         text        NOT NULL,                 -- a4, letter
    instructions  text        NOT NULL,
    people        text        NOT NULL DEFAULT '',      -- ids of those whom it is for, since it was started
    total         integer     NOT NULL DEFAULT 0,
    done          integer     NOT NULL DEFAULT 0,       -- how many of them were seen to
    skipped       integer     NOT NULL DEFAULT 0,       -- and got none, for something had changed
    reason        text        NOT NULL DEFAULT '',
    ticket        text        NOT NULL DEFAULT '',
    created_by    text        NOT NULL,
    created_at    timestamp NOT NULL,
    approved_by   text        NOT NULL DEFAULT '',
    started_at    timestamp,
    held_at       timestamp,                          -- last sign of life of who makes it
    made_at       timestamp,
    printed_at    timestamp,
    ended_at      timestamp,
    ended_by      text        NOT NULL DEFAULT '',      -- empty: by the clock
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX code_sheet_batches_number ON code_sheet_batches (tenant_id, number);
CREATE INDEX code_sheet_batches_to_make ON code_sheet_batches (created_at) WHERE state = 'making';
CREATE INDEX code_sheet_batches_to_lapse ON code_sheet_batches (created_at) WHERE state IN ('draft', 'made');

ALTER TABLE code_sheets ADD COLUMN holder_id  text NOT NULL DEFAULT '';  -- who has the paper
ALTER TABLE code_sheets ADD COLUMN sealed     text NOT NULL DEFAULT '';  -- its codes, until they are printed
ALTER TABLE code_sheets ADD COLUMN tries      integer NOT NULL DEFAULT 0; -- to confirm it
ALTER TABLE code_sheets ADD COLUMN moved_at   timestamp;               -- when it last changed hands or state
CREATE UNIQUE INDEX code_sheets_one_coming ON code_sheets (user_id, tenant_id) WHERE state IN ('unprinted', 'printed', 'with_agent', 'with_user');
CREATE UNIQUE INDEX code_sheets_one_of_batch ON code_sheets (tenant_id, batch_id, user_id) WHERE batch_id IS NOT NULL;
CREATE INDEX code_sheets_stock ON code_sheets (tenant_id, created_at, id) WHERE batch_id IS NOT NULL;
CREATE INDEX code_sheets_stock_by_state ON code_sheets (tenant_id, state, created_at, id) WHERE batch_id IS NOT NULL;
CREATE INDEX code_sheets_stock_by_holder ON code_sheets (tenant_id, holder_id, created_at, id) WHERE batch_id IS NOT NULL;

-- What became of a paper, step by step.
CREATE TABLE code_sheet_steps (
    tenant_id  text        NOT NULL,
    sheet_id   text        NOT NULL,
    step       integer     NOT NULL,             -- from 1
    state      text        NOT NULL,             -- that it came to
    by_id      text        NOT NULL,             -- empty: by the clock, or by its last code
    to_id      text        NOT NULL DEFAULT '',  -- who has it since
    reason     text        NOT NULL DEFAULT '',
    at         timestamp NOT NULL,
    PRIMARY KEY (tenant_id, sheet_id, step),
    FOREIGN KEY (tenant_id, sheet_id) REFERENCES code_sheets (tenant_id, id)
);
-- +goose Down
DROP TABLE code_sheet_steps;
UPDATE printed_codes SET hash = '' WHERE EXISTS (SELECT 1 FROM code_sheets s WHERE s.tenant_id = printed_codes.tenant_id AND s.id = printed_codes.sheet_id
    AND s.state IN ('unprinted', 'printed', 'with_agent', 'with_user', 'lost', 'destroyed', 'voided'));
UPDATE code_sheets SET state = 'removed' WHERE state IN ('unprinted', 'printed', 'with_agent', 'with_user', 'lost', 'destroyed', 'voided');
DROP INDEX code_sheets_stock_by_holder;
DROP INDEX code_sheets_stock_by_state;
DROP INDEX code_sheets_stock;
DROP INDEX code_sheets_one_of_batch;
DROP INDEX code_sheets_one_coming;
ALTER TABLE code_sheets DROP COLUMN moved_at;
ALTER TABLE code_sheets DROP COLUMN tries;
ALTER TABLE code_sheets DROP COLUMN sealed;
ALTER TABLE code_sheets DROP COLUMN holder_id;
DROP TABLE code_sheet_batches;
