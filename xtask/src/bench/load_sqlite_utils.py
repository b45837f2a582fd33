"""The log entries into SQLite by sqlite-utils: the same columns, key and index."""

import glob
import json
import sys

import sqlite_utils

path, folder = sys.argv[1:3]
database = sqlite_utils.Database(path)


def inside(value, *names):
    for name in names:
        value = (value or {}).get(name)
    return value


def first(items):
    return items[0]["id"] if items else None


def rows():
    for file in sorted(glob.glob(f"{folder}/*.ndjson")):
        with open(file) as lines:
            for number, line in enumerate(lines, 1):
                entry = json.loads(line)
                assignees = entry.get("assignees")
                yield {
                    "id": entry["id"],
                    "kind": entry["type"].removesuffix("_log_entry"),
                    "incident_id": inside(entry, "incident", "id"),
                    "service_id": inside(entry, "service", "id"),
                    "team_id": first(entry.get("teams")),
                    "created_at": entry["created_at"],
                    "agent_type": inside(entry, "agent", "type"),
                    "agent_id": inside(entry, "agent", "id"),
                    "agent_name": inside(entry, "agent", "summary"),
                    "channel_type": inside(entry, "channel", "type"),
                    "notified_user_id": inside(entry, "user", "id"),
                    "notification_type": inside(entry, "channel", "notification", "type"),
                    "notification_address": inside(entry, "channel", "notification", "address"),
                    "notification_status": inside(entry, "channel", "notification", "status"),
                    "assignee_id": first(assignees),
                    "assignee_ids": json.dumps([one["id"] for one in assignees]) if assignees else None,
                    "acknowledgement_timeout_seconds": entry.get("acknowledgement_timeout"),
                    "snooze_seconds": inside(entry, "channel", "duration"),
                    "summary": entry.get("summary"),
                    "_extracted_at": inside(entry, "_extract", "at"),
                    "_file": file,
                    "_line": number,
                }


entries = database["entries"]
entries.upsert_all(rows(), pk="id", batch_size=1000)
entries.create_index(["incident_id", "kind", "created_at"])
