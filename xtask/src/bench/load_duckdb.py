"""The log entries into DuckDB: the columns of the schema with their types, three of bookkeeping, key and index.

Several records have one key; DuckDB keeps the first that it meets, which is the least work. The index is made behind the
rows, which is faster than before them.
"""

import sys

import duckdb

database, folder = sys.argv[1:3]
connection = duckdb.connect(database)
connection.execute("""
    create table entries (
        id varchar primary key, kind varchar not null, incident_id varchar, service_id varchar, team_id varchar,
        created_at timestamp not null, agent_type varchar, agent_id varchar, agent_name varchar, channel_type varchar,
        notified_user_id varchar, notification_type varchar, notification_address varchar,
        notification_status varchar, assignee_id varchar, assignee_ids varchar,
        acknowledgement_timeout_seconds bigint, snooze_seconds bigint, summary varchar,
        _extracted_at timestamp, _file varchar, _line bigint
    )
""")
reference = "struct(id varchar, type varchar, summary varchar)"
columns = {
    "id": "varchar",
    "type": "varchar",
    "incident": "struct(id varchar)",
    "service": "struct(id varchar)",
    "teams": "struct(id varchar)[]",
    "created_at": "timestamp",
    "agent": reference,
    "channel": "struct(type varchar, duration bigint,"
    " notification struct(type varchar, address varchar, status varchar))",
    "user": "struct(id varchar)",
    "assignees": "struct(id varchar)[]",
    "acknowledgement_timeout": "bigint",
    "summary": "varchar",
    "_extract": 'struct("at" timestamp)',
}
known = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
connection.execute(f"""
    insert or ignore into entries
    select
        id, replace(replace(type, '_log_entry', ''), '_reference', ''), incident.id, service.id, teams[1].id,
        created_at, replace(agent.type, '_reference', ''), agent.id, agent.summary, channel.type,
        "user".id, replace(channel.notification.type, '_notification', ''), channel.notification.address,
        channel.notification.status, assignees[1].id,
        cast(to_json(list_transform(assignees, lambda one: one.id)) as varchar),
        acknowledgement_timeout, channel.duration, summary, _extract."at", filename, 0
    from read_json('{folder}/*.ndjson', format = 'newline_delimited', columns = {{{known}}}, filename = true)
""")
connection.execute("create index by_incident on entries (incident_id, kind, created_at)")
connection.execute("checkpoint")
