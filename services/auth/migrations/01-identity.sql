-- Tenants, their people, keys, usage and invoices (FC-033, FC-245 to FC-249, FC-273, FC-313).
--
-- gen_random_uuid() makes the same version 4 UUIDs as the uuid_generate_v4() of FC-250, and needs no extension.

CREATE TABLE tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug varchar(50) NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{1,30}[a-z0-9]$'), -- FC-277
    tier varchar(20) NOT NULL CHECK (tier ~ '^[a-z][a-z0-9-]*$'), -- the name of a plan
    -- FC-270
    status varchar(20) NOT NULL DEFAULT 'provisioning'
        CHECK (status IN ('provisioning', 'active', 'suspended', 'inactive', 'failed', 'deleted')),
    stripe_customer_id varchar(100),
    stripe_subscription_id varchar(100),
    discord_bot_token text,
    discord_guild_id varchar(100),
    anthropic_api_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Custom domains; only verified ones count (FC-219, FC-322).
CREATE TABLE tenant_domains (
    domain varchar(253) PRIMARY KEY CHECK (domain = lower(domain)),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX tenant_domains_tenant ON tenant_domains (tenant_id);

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    email varchar(255) NOT NULL UNIQUE CHECK (email = lower(email)),
    -- Argon2id, or bcrypt until the user's next login.
    password_hash text NOT NULL,
    role varchar(20) NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX users_tenant ON users (tenant_id);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- 'pepper id:HMAC-SHA256 of the whole key': found by its value, of no use to whoever reads the table.
    key_hash text NOT NULL UNIQUE,
    -- The key's last characters, so that people tell their keys apart.
    hint varchar(8) NOT NULL,
    name varchar(100) NOT NULL,
    scopes text[] NOT NULL DEFAULT '{}',
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX api_keys_tenant ON api_keys (tenant_id, created_at);
CREATE INDEX api_keys_creator ON api_keys (created_by);

CREATE TABLE usage_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    event_type varchar(50) NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    metadata jsonb NOT NULL DEFAULT '{}',
    "timestamp" timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_usage_tenant_type ON usage_events (tenant_id, event_type);
CREATE INDEX idx_usage_timestamp ON usage_events ("timestamp" DESC);

CREATE TABLE billing_invoices (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    stripe_invoice_id varchar(100) UNIQUE,
    amount integer NOT NULL, -- cents
    period varchar(7) NOT NULL CHECK (period ~ '^[0-9]{4}-[0-9]{2}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX billing_invoices_tenant ON billing_invoices (tenant_id, period);

-- No foreign keys: what happened stays true when the tenant or the user is gone.
CREATE TABLE audit_log (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid,
    actor text NOT NULL,
    action varchar(50) NOT NULL,
    target text,
    metadata jsonb NOT NULL DEFAULT '{}',
    "timestamp" timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX audit_log_tenant ON audit_log (tenant_id, "timestamp" DESC, id);
