-- The photo of a person, as the helpdesk sees it; see app/photo.
-- +goose Up
CREATE TABLE photos (
    tenant_id text      NOT NULL,
    user_id   text      NOT NULL,
    mark      text      NOT NULL, -- of its bytes
    jpeg      blob      NOT NULL,
    put_at    timestamp NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);


-- +goose Down
DROP TABLE photos;
