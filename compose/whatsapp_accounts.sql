-- The table as control planes have it, and account 142 on the day of the incident: its row says 3001.
-- PostgreSQL runs this once, when its container is made.
CREATE TABLE whatsapp_accounts (
    id INTEGER PRIMARY KEY,
    workspace_id INTEGER NOT NULL,
    session_id VARCHAR(255) NOT NULL UNIQUE,
    phone_number VARCHAR(64),
    status VARCHAR(32) NOT NULL,
    assigned_instance_url VARCHAR(2048),
    updated_at TIMESTAMP
);

INSERT INTO whatsapp_accounts VALUES (
    142, 1, 'webjs_1_1763798326_U9tUyl0b', '62811801641', 'connected', 'http://instance-3001:3001', '2024-11-22 10:00:00'
);
