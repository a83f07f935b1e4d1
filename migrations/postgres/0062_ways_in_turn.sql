-- What ways somebody has is reckoned in turn: of two that end at the same moment each would
-- see the other one, and neither know that it is the last. So the row of the user is held
-- before the triggers users_ways_of_… look, which go by their names: what they read after
-- that is what stands, since each of their statements sees for itself.
-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION users_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM users WHERE tenant_id = NEW.tenant_id AND id = NEW.user_id FOR NO KEY UPDATE;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER users_held AFTER INSERT OR UPDATE OF state, phone_sign_in ON devices FOR EACH ROW EXECUTE FUNCTION users_held();
CREATE TRIGGER users_held AFTER INSERT OR UPDATE OF state ON totps FOR EACH ROW EXECUTE FUNCTION users_held();
CREATE TRIGGER users_held AFTER INSERT OR UPDATE OF state ON passkeys FOR EACH ROW EXECUTE FUNCTION users_held();
CREATE TRIGGER users_held AFTER INSERT OR UPDATE OF state ON backup_phones FOR EACH ROW EXECUTE FUNCTION users_held();
CREATE TRIGGER users_held AFTER INSERT OR UPDATE OF state ON code_sheets FOR EACH ROW EXECUTE FUNCTION users_held();
CREATE TRIGGER users_held AFTER UPDATE OF state ON static_passcodes FOR EACH ROW EXECUTE FUNCTION users_held();
CREATE TRIGGER users_held AFTER INSERT OR UPDATE OF state ON bypasses FOR EACH ROW EXECUTE FUNCTION users_held();

-- +goose Down
DROP FUNCTION users_held() CASCADE;
