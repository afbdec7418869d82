-- What judging keys leaves behind. All absent in keys of the release before.
ALTER TABLE api_keys
    ADD COLUMN description  text COLLATE "C" CONSTRAINT api_keys_description_length CHECK (length(description) BETWEEN 1 AND 500),
    ADD COLUMN last_used_at bigint,
    -- Which pepper secret_gate is under, so that a wrong one is noticed at once.
    ADD COLUMN pepper_id    text COLLATE "C" CONSTRAINT api_keys_pepper_id_length CHECK (length(pepper_id) = 16);

-- Tells whoever listens which key was changed. A use changes no key. The release before gets this for nothing.
CREATE FUNCTION api_keys_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The same text twice in one transaction is told once.
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM pg_catalog.pg_notify('billing_portal_api_keys', OLD.id);
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM pg_catalog.pg_notify('billing_portal_api_keys', NEW.id);
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_catalog.pg_notify('billing_portal_api_keys', '');
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_made_or_gone AFTER INSERT OR DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION api_keys_tell();

-- By what is left without the one column, so that columns to come need no new trigger.
CREATE TRIGGER api_keys_edited AFTER UPDATE ON api_keys
    FOR EACH ROW WHEN (to_jsonb(OLD) - 'last_used_at' IS DISTINCT FROM to_jsonb(NEW) - 'last_used_at')
    EXECUTE FUNCTION api_keys_tell();

CREATE TRIGGER api_keys_emptied AFTER TRUNCATE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION api_keys_tell();

-- What was done, by whom; and, minute by minute, what was denied. Rows are only ever added, until they are old or their
-- user is to be forgotten.
CREATE TABLE audit_log (
    sequence    bigint GENERATED ALWAYS AS IDENTITY,
    at          bigint           NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    -- Of an event: what was done.
    action      text COLLATE "C",
    actor       text COLLATE "C",
    user_id     text COLLATE "C",
    key_id      text COLLATE "C",
    provider    text COLLATE "C",
    mode        text COLLATE "C",
    customer_id text COLLATE "C",
    request_id  text COLLATE "C",
    source      text COLLATE "C",
    -- Of denials: why, and how many.
    cause       text COLLATE "C",
    count       bigint,
    CONSTRAINT audit_log_pkey PRIMARY KEY (sequence),
    CONSTRAINT audit_log_kind_known CHECK (kind IN ('event', 'denials')),
    CONSTRAINT audit_log_event_form CHECK ((kind = 'event') = (action IS NOT NULL AND actor IS NOT NULL)),
    CONSTRAINT audit_log_denials_form CHECK ((kind = 'denials') = (cause IS NOT NULL AND count IS NOT NULL)),
    CONSTRAINT audit_log_customer_form CHECK ((customer_id IS NULL) = (provider IS NULL OR mode IS NULL)),
    CONSTRAINT audit_log_mode_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT audit_log_count_not_negative CHECK (count >= 0)
);

CREATE INDEX audit_log_by_user ON audit_log (user_id, sequence);
CREATE INDEX audit_log_by_moment ON audit_log (at);
-- For forgetting a user, who may be the one whose attempts with a key were denied.
CREATE INDEX audit_log_denials_by_key ON audit_log (key_id) WHERE kind = 'denials';
