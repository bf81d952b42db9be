-- Sessions, the refresh tokens of each, the keys that sign access tokens, and counters of attempts.

-- One login and what was refreshed from it: a family of tokens that ends as one.
CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_tenant ON sessions (tenant_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    token_hash text PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Set by its one use; a second use ends the session.
    used_at timestamptz
);

CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm = 'ES256'),
    -- The private JWK, encrypted by the service: the table alone signs nothing.
    private_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Published from the beginning, used from then on, so that whoever keeps the key set for a while knows it in time.
    signs_from timestamptz NOT NULL,
    -- Set when a successor takes over: the last token that it signed is expired by then.
    verifies_until timestamptz
);

-- Unlogged: after a crash of the server the counters begin anew, and writes cost less.
CREATE UNLOGGED TABLE throttles (
    key text PRIMARY KEY,
    attempts integer NOT NULL,
    resets_at timestamptz NOT NULL
);

CREATE INDEX throttles_expiry ON throttles (resets_at);
