-- A colleague of the helpdesk who called somebody back is a word, too, by which a session that a bypass made binds
-- something new; see app/vouch.
-- +goose Up
ALTER TABLE vouches ADD COLUMN number text NOT NULL DEFAULT '';    -- of a call-back: what the page shows, and the person says on the phone
ALTER TABLE vouches ADD COLUMN given_by text NOT NULL DEFAULT '';  -- of a call-back: the colleague who called
CREATE INDEX vouches_to_call ON vouches (tenant_id, begun_at) WHERE kind = 'call_back' AND state = 'pending';

-- +goose Down
DROP INDEX vouches_to_call;
DELETE FROM vouches WHERE kind = 'call_back';
ALTER TABLE vouches DROP COLUMN given_by;
ALTER TABLE vouches DROP COLUMN number;
