-- The photo of a person, as the helpdesk sees it; see app/photo.
-- +goose Up
CREATE TABLE photos (
    tenant_id text        NOT NULL,
    user_id   text        NOT NULL,
    mark      text        NOT NULL, -- of its bytes
    jpeg      bytea       NOT NULL,
    put_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
SELECT tenant_wall('photos');

-- +goose Down
DROP TABLE photos;
