-- The second wall between tenants: a transaction that has set latchkey.tenant
-- (store.Within) sees and writes rows of that tenant alone, whatever its
-- statements forget. Without the setting the program does its own work, across
-- all tenants.
--
-- Each table is locked by itself and not for longer than its own change takes,
-- so that acts of replicas that run beside this wait for one table and never in
-- a circle. Stopped halfway, this goes on from the beginning.

-- +goose NO TRANSACTION

-- +goose Up

-- tenant_wall puts the wall around a table. A later migration calls it for each
-- table that it makes with a tenant_id:
--     SELECT tenant_wall('bypass_cases');
-- FORCE is for the owner of the tables, which the program usually is.
--
-- The condition is a CASE because the planner takes one for true half of the
-- time. Any form with = or OR it takes for true one time in two hundred, and a
-- page of fifty rows looks dearer than a sort of everything. It asks for the
-- setting once a row; a subquery asks once a statement, but costs more where a
-- statement reads one row, which nearly all of them do.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION tenant_wall(walled regclass, tenant_column name DEFAULT 'tenant_id') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', walled);
    EXECUTE format('DROP POLICY IF EXISTS tenant_wall ON %s', walled);
    EXECUTE format('CREATE POLICY tenant_wall ON %s USING (
        CASE coalesce(current_setting(''latchkey.tenant'', true), '''') WHEN '''' THEN true WHEN %I THEN true ELSE false END)',
        walled, tenant_column);
END $$;
-- +goose StatementEnd

-- Who comes to a partition through its table has met the wall, and nobody comes
-- to one by its own name.
-- +goose StatementBegin
DO $$
DECLARE
    walled regclass;
BEGIN
    FOR walled IN
        SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        ORDER BY c.relname
    LOOP
        PERFORM tenant_wall(walled);
        COMMIT;
    END LOOP;
    PERFORM tenant_wall('tenants', 'id');
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    walled regclass;
BEGIN
    FOR walled IN
        SELECT polrelid FROM pg_policy JOIN pg_class c ON c.oid = polrelid
        WHERE polname = 'tenant_wall' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname
    LOOP
        EXECUTE format('DROP POLICY tenant_wall ON %s', walled);
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', walled);
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd
DROP FUNCTION IF EXISTS tenant_wall(regclass, name);
