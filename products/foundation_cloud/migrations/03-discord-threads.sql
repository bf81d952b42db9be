-- Each task has a thread in the tenant's Discord channel (FC-106, FC-107). Discord's ids are 64-bit numbers in text.

ALTER TABLE tasks
    ADD COLUMN discord_thread_id text,
    ADD COLUMN discord_channel_id text,
    ADD CONSTRAINT tasks_discord_channel CHECK (discord_thread_id IS NULL OR discord_channel_id IS NOT NULL);

CREATE UNIQUE INDEX tasks_discord_thread ON tasks (tenant_id, discord_thread_id);

CREATE TABLE discord_thread_messages (
    tenant_id uuid NOT NULL DEFAULT (NULLIF(current_setting('app.current_tenant', true), ''))::uuid,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    task_id uuid NOT NULL,
    discord_thread_id text NOT NULL,
    discord_message_id text NOT NULL,
    author text NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    -- Discord may deliver a message twice.
    UNIQUE (tenant_id, discord_message_id),
    FOREIGN KEY (tenant_id, task_id) REFERENCES tasks (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX discord_thread_messages_task ON discord_thread_messages (tenant_id, task_id, created_at);
CREATE INDEX discord_thread_messages_thread ON discord_thread_messages (tenant_id, discord_thread_id, created_at);
