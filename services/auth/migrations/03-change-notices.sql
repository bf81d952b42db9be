-- Whoever changes what a token or a key is worth, every replica of the auth service is told when the change commits.
-- The payload is 'table:tenant id'; equal payloads of one transaction are sent once.

CREATE FUNCTION notify_auth_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
BEGIN
    PERFORM pg_notify('auth_changes', TG_TABLE_NAME || ':' || COALESCE(old_row ->> TG_ARGV[0], ''));
    IF new_row ->> TG_ARGV[0] IS DISTINCT FROM old_row ->> TG_ARGV[0] THEN
        PERFORM pg_notify('auth_changes', TG_TABLE_NAME || ':' || COALESCE(new_row ->> TG_ARGV[0], ''));
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER notify AFTER DELETE OR UPDATE OF id, slug, tier, status ON tenants
    FOR EACH ROW EXECUTE FUNCTION notify_auth_change('id');
CREATE TRIGGER notify AFTER DELETE OR UPDATE OF id, tenant_id, role ON users
    FOR EACH ROW EXECUTE FUNCTION notify_auth_change('tenant_id');
CREATE TRIGGER notify AFTER DELETE OR UPDATE OF tenant_id, key_hash, scopes, created_by, expires_at, revoked_at
    ON api_keys FOR EACH ROW EXECUTE FUNCTION notify_auth_change('tenant_id');
CREATE TRIGGER notify AFTER DELETE OR UPDATE OF id, tenant_id, user_id, expires_at, revoked_at ON sessions
    FOR EACH ROW EXECUTE FUNCTION notify_auth_change('tenant_id');
CREATE TRIGGER notify AFTER INSERT OR DELETE OR UPDATE ON tenant_domains
    FOR EACH ROW EXECUTE FUNCTION notify_auth_change('tenant_id');
CREATE TRIGGER notify AFTER INSERT OR DELETE OR UPDATE ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION notify_auth_change('kid');
