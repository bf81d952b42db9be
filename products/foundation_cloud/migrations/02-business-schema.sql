-- Workflows and the tasks that agents work on (FC-035, FC-109).

CREATE TABLE workflows (
    tenant_id uuid NOT NULL DEFAULT (NULLIF(current_setting('app.current_tenant', true), ''))::uuid,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    template text NOT NULL,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    input jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK ((status = 'running') = (finished_at IS NULL))
);

CREATE INDEX workflows_started ON workflows (tenant_id, started_at DESC);

CREATE TABLE tasks (
    tenant_id uuid NOT NULL DEFAULT (NULLIF(current_setting('app.current_tenant', true), ''))::uuid,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    workflow_id uuid,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    lead_agent text NOT NULL,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')),
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id),
    FOREIGN KEY (tenant_id, lead_agent) REFERENCES agents (tenant_id, id)
);

CREATE INDEX tasks_workflow ON tasks (tenant_id, workflow_id);
CREATE INDEX tasks_lead_agent ON tasks (tenant_id, lead_agent);
CREATE INDEX tasks_created ON tasks (tenant_id, created_at DESC);
-- The limit on concurrent tasks counts these before each dispatch (FC-123).
CREATE INDEX tasks_open ON tasks (tenant_id) WHERE status IN ('pending', 'in_progress');
