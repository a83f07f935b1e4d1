-- An inbox of approvals that is counted on every page, and acts that are approved
-- on a phone.

-- +goose Up
ALTER TABLE approval_requests ADD COLUMN eyes text NOT NULL DEFAULT '{}';  -- JSON: what an approver must hold, and whom they must not be

-- Each list of the page has its index, so that a page costs the same in a tenant
-- with a few requests and in one with a hundred thousand, whatever the others have.
DROP INDEX approval_requests_by_time;
CREATE INDEX approval_requests_waiting ON approval_requests (tenant_id, created_at, id) WHERE state = 'pending';
CREATE INDEX approval_requests_decided ON approval_requests (tenant_id, decided_at, id) WHERE state <> 'pending';
CREATE INDEX approval_requests_of_requester ON approval_requests (requester_id, tenant_id, decided_at, id) WHERE state <> 'pending';
CREATE INDEX approval_requests_by_decider ON approval_requests (decided_by, tenant_id, decided_at, id) WHERE decided_by <> '';

-- What a prompt of kind approval shows, and the digest that its answer is signed over.
ALTER TABLE prompts
    ADD COLUMN act       text NOT NULL DEFAULT '',  -- JSON; empty: the prompt asks for no act
    ADD COLUMN act_hash  text NOT NULL DEFAULT '';

-- The request that an attempt is to approve; it may be of another tenant than the
-- one of the user, who is an operator then.
ALTER TABLE attempts
    ADD COLUMN approval_tenant_id  text NOT NULL DEFAULT '',
    ADD COLUMN approval_id         text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE attempts DROP COLUMN approval_tenant_id, DROP COLUMN approval_id;
ALTER TABLE prompts DROP COLUMN act, DROP COLUMN act_hash;
DROP INDEX approval_requests_by_decider;
DROP INDEX approval_requests_of_requester;
DROP INDEX approval_requests_decided;
DROP INDEX approval_requests_waiting;
CREATE INDEX approval_requests_by_time ON approval_requests (created_at, tenant_id, id);
ALTER TABLE approval_requests DROP COLUMN eyes;
