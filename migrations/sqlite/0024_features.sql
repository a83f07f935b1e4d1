-- Features: who has what, by platform and by tenant; see app/feature and app/rollout.
-- +goose Up

-- What a person's and a tenant's place in every percentage is made of. It is drawn
-- once and never changes, so that nobody drops out when a percentage grows.
ALTER TABLE users ADD COLUMN seed integer NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN seed integer NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN ruled integer NOT NULL DEFAULT 0;            -- bits of the features that it has a rule for

UPDATE users SET seed = abs(random() % 2147483647);
UPDATE tenants SET seed = abs(random() % 2147483647);
-- +goose StatementBegin
CREATE TRIGGER users_seed AFTER INSERT ON users WHEN NEW.seed = 0
BEGIN
    UPDATE users SET seed = abs(random() % 2147483647) WHERE tenant_id = NEW.tenant_id AND id = NEW.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tenants_seed AFTER INSERT ON tenants WHEN NEW.seed = 0
BEGIN
    UPDATE tenants SET seed = abs(random() % 2147483647) WHERE id = NEW.id;
END;
-- +goose StatementEnd

-- What a tenant says of a feature. Without a row, what the catalogue says.
CREATE TABLE rollouts (
    tenant_id  text        NOT NULL REFERENCES tenants (id),
    feature    text        NOT NULL,
    stage      text        NOT NULL,  -- off, report_only, pilot, percentage, everyone, users_choice
    share      integer     NOT NULL,  -- percent
    version    integer     NOT NULL,
    changed_at timestamp NOT NULL,
    PRIMARY KEY (tenant_id, feature)
);

CREATE TABLE rollout_groups (
    tenant_id  text    NOT NULL,
    feature    text    NOT NULL,
    group_id   text    NOT NULL,
    excluded   boolean NOT NULL,
    PRIMARY KEY (tenant_id, feature, group_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id)
);
CREATE INDEX rollout_groups_of_group ON rollout_groups (group_id, tenant_id);

-- Who turned a feature on by themselves, where it is theirs to choose.
CREATE TABLE rollout_choices (
    tenant_id  text        NOT NULL,
    feature    text        NOT NULL,
    user_id    text        NOT NULL,
    chosen_at  timestamp NOT NULL,
    PRIMARY KEY (tenant_id, feature, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX rollout_choices_of_user ON rollout_choices (user_id, tenant_id);

-- Every version that a feature of a tenant had.
CREATE TABLE rollout_versions (
    tenant_id    text        NOT NULL REFERENCES tenants (id),
    feature      text        NOT NULL,
    version      integer     NOT NULL,
    rule         text        NOT NULL,  -- JSON
    difference   text        NOT NULL,  -- JSON, from the one before
    reason       text        NOT NULL,
    ticket       text        NOT NULL,
    changed_by   text        NOT NULL,  -- empty: the program, by the schedule
    approved_by  text        NOT NULL,
    changed_at   timestamp NOT NULL,
    PRIMARY KEY (tenant_id, feature, version)
);

-- The rules that let not everybody in, made ready for statements: one row for each
-- thing that a rule can take away. Made anew with every change; nobody else writes.
CREATE TABLE rollout_gates (
    tenant_id  text    NOT NULL REFERENCES tenants (id),
    feature    text    NOT NULL,
    part       integer NOT NULL,  -- bit of a feature, or 0
    way        integer NOT NULL,  -- bit of users.ways, or 0
    stage      text    NOT NULL,
    share      integer NOT NULL,  -- of ten thousand
    narrowed   boolean NOT NULL,  -- there are groups that it is for
    nobody     boolean NOT NULL,  -- it lets nobody in
    mix        bigint  NOT NULL,
    shift      bigint  NOT NULL,
    PRIMARY KEY (tenant_id, feature, part, way)
);

-- What the platform says of a feature: to which share of the tenants of a region and
-- ring it is released. Without a row: to all.
CREATE TABLE releases (
    feature     text PRIMARY KEY,
    killed      boolean     NOT NULL,
    version     integer     NOT NULL,
    changed_at  timestamp NOT NULL
);
CREATE TABLE release_cells (
    feature  text    NOT NULL REFERENCES releases (feature),
    region   text    NOT NULL,
    ring     text    NOT NULL,
    share    integer NOT NULL,  -- percent of its tenants
    PRIMARY KEY (feature, region, ring)
);
CREATE TABLE release_versions (
    feature     text        NOT NULL,
    version     integer     NOT NULL,
    rule        text        NOT NULL,  -- JSON
    difference  text        NOT NULL,  -- JSON
    reason      text        NOT NULL,
    changed_by  text        NOT NULL,
    changed_at  timestamp NOT NULL,
    PRIMARY KEY (feature, version)
);
CREATE TABLE release_gates (
    region   text    NOT NULL,
    ring     text    NOT NULL,
    feature  text    NOT NULL,
    part     integer NOT NULL,
    way      integer NOT NULL,
    share    integer NOT NULL,  -- of ten thousand
    mix      bigint  NOT NULL,
    shift    bigint  NOT NULL,
    PRIMARY KEY (region, ring, feature, part, way)
);


-- +goose Down
DROP TABLE release_gates;
DROP TABLE release_versions;
DROP TABLE release_cells;
DROP TABLE releases;
DROP TABLE rollout_gates;
DROP TABLE rollout_versions;
DROP TABLE rollout_choices;
DROP TABLE rollout_groups;
DROP TABLE rollouts;
DROP TRIGGER tenants_seed;
DROP TRIGGER users_seed;
ALTER TABLE tenants DROP COLUMN ruled;
ALTER TABLE tenants DROP COLUMN seed;
ALTER TABLE users DROP COLUMN seed;
