-- Of requests that were taken in the address and the browser are kept for a time only; see app/cases.
-- +goose Up
CREATE INDEX case_asks_to_forget ON case_asks (asked_at) WHERE ip <> '' AND state IN ('opened', 'joined');
ALTER TABLE case_asks ADD COLUMN tried_at timestamptz;  -- when it could not be taken in; NULL: that has not been

-- +goose Down
ALTER TABLE case_asks DROP COLUMN tried_at;
DROP INDEX case_asks_to_forget;
