-- Agents, their talks with people, and what each side prefers (FC-035).
--
-- Every table has tenant_id (FC-276), set from the role's app.current_tenant (FC-278), and every key starts with it:
-- a reference then can't lead to another tenant's row, even where schemas were merged. Whoever applies the file sets
-- search_path and adds row-level security to each table.

CREATE TABLE agents (
    tenant_id uuid NOT NULL DEFAULT (NULLIF(current_setting('app.current_tenant', true), ''))::uuid,
    id text NOT NULL CHECK (id ~ '^[a-z][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    role text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    model text,
    last_active_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE conversations (
    tenant_id uuid NOT NULL DEFAULT (NULLIF(current_setting('app.current_tenant', true), ''))::uuid,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    title text,
    agent_id text,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);

CREATE INDEX conversations_agent ON conversations (tenant_id, agent_id);
CREATE INDEX conversations_updated ON conversations (tenant_id, updated_at DESC);

CREATE TABLE messages (
    tenant_id uuid NOT NULL DEFAULT (NULLIF(current_setting('app.current_tenant', true), ''))::uuid,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL,
    -- The order of messages: two may be created in the same microsecond.
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    author text NOT NULL CHECK (author IN ('user', 'agent', 'system')),
    agent_id text,
    content text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id),
    CHECK ((author = 'agent') = (agent_id IS NOT NULL))
);

CREATE INDEX messages_conversation ON messages (tenant_id, conversation_id, number);
CREATE INDEX messages_agent ON messages (tenant_id, agent_id);

CREATE TABLE preferences (
    tenant_id uuid NOT NULL DEFAULT (NULLIF(current_setting('app.current_tenant', true), ''))::uuid,
    -- Whose preference it is: a user's id, or 'tenant' for everybody.
    subject text NOT NULL DEFAULT 'tenant',
    key text NOT NULL,
    value jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, subject, key)
);
