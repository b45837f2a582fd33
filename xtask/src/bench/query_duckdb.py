"""The queries of the library, asked of DuckDB on the rows that SQLite has: a line of JSON for each, with its seconds.

What DuckDB lacks of Spark's functions is a macro here, which DuckDB puts in the place of each call. Columns have the types
of the schema, so that a moment is a TIMESTAMP and not a text.
"""

import csv
import json
import pathlib
import re
import sqlite3
import sys
import tempfile
import time

import duckdb

database, definitions, runs = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])

MACROS = """
create macro nvl(a, b) as coalesce(a, b);
create macro try_divide(x, y) as x / nullif(y, 0);
create macro unix_timestamp(t) as cast(epoch(cast(t as timestamp)) as bigint);
create macro unix_seconds(t) as cast(epoch(cast(t as timestamp)) as bigint);
create macro timestamp_seconds(s) as make_timestamp(cast(s as bigint) * 1000000);
create macro timestamp_micros(s) as make_timestamp(cast(s as bigint));
create macro to_timestamp(t) as cast(t as timestamp);
create macro to_date(t) as cast(t as date);
create macro from_utc_timestamp(t, z) as timezone(z, timezone('UTC', cast(t as timestamp)));
create macro trunc(d, unit) as cast(date_trunc(unit, cast(d as date)) as date);
create macro add_months(d, n) as cast(cast(d as date) + to_months(cast(n as integer)) as date);
create macro date_add(d, n) as cast(d as date) + cast(n as integer);
create macro date_sub(d, n) as cast(d as date) - cast(n as integer);
create macro datediff(a, b) as date_diff('day', cast(b as date), cast(a as date));
create macro months_between(a, b) as date_diff('day', cast(b as date), cast(a as date)) / 30.44;
create macro substr(t, first, length) as substring(cast(t as varchar), first, length);
create macro weekday(d) as isodow(d) - 1;
create macro percentile(x, share) as quantile_cont(x, share);
create macro date_format(t, pattern) as case pattern
    when 'yyyy-MM' then strftime(cast(t as timestamp), '%Y-%m')
    when 'yyyy-QQQ' then concat(year(t), '-Q', quarter(t))
    else error(concat('no macro for ', pattern))
end;
"""

COLUMN = re.compile(r"^\s+(\w+) (TEXT|INTEGER|REAL|BOOLEAN|TIMESTAMP|DATE|TIMEZONE|JSON)\b", re.M)
TYPES = {"INTEGER": "bigint", "REAL": "double", "BOOLEAN": "boolean", "TIMESTAMP": "timestamp", "DATE": "date"}


def declared():
    """The types of the columns that are not text, by table and column."""
    found = {}
    for path in [*definitions.glob("schemas/*.sql"), *definitions.glob("derived/*.sql")]:
        for name, body in re.findall(r"^CREATE TABLE (\w+) \((.*?)^\);", path.read_text(), re.M | re.S):
            found[name] = dict(COLUMN.findall(body))
    return found


def copy(source, target, name, kinds):
    """A table, by way of a CSV file."""
    columns = [(row[1], row[2]) for row in source.execute(f'pragma table_info("{name}")')]

    def kind_of(column, stored):
        is_moment = name.startswith("_") and column.endswith("_at") and stored.upper() == "TEXT"
        return "timestamp" if is_moment else TYPES.get(kinds.get(column, stored.upper()), "varchar")

    with tempfile.NamedTemporaryFile("w", newline="", suffix=".csv") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in source.execute(f'select * from "{name}"'):
            writer.writerow("\\N" if value is None else value for value in row)
        file.flush()
        names = ", ".join(f'"{column}" {kind_of(column, stored)}' for column, stored in columns)
        target.execute(f'create table "{name}" ({names})')
        form = "format csv, auto_detect false, parallel false, header false, delimiter ',', quote '\"', escape '\"', nullstr '\\N'"
        target.execute(f"copy \"{name}\" from '{file.name}' ({form})")


def main():
    source = sqlite3.connect(database)
    target = duckdb.connect()
    # Named first: a macro would otherwise stand for the function of the engine in its own text.
    target.execute(MACROS)
    kinds = declared()
    tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> '_later'"
    for (name,) in source.execute(tables).fetchall():
        copy(source, target, name, kinds.get(name, {}))
    for (view,) in source.execute("select sql from _objects where kind = 'view'").fetchall():
        target.execute(view)
    for path in sorted(definitions.glob("queries/*.sql")):
        found = {"query": path.stem}
        try:
            times = []
            for _ in range(runs):
                started = time.perf_counter()
                found["rows"] = len(target.execute(path.read_text()).fetchall())
                times.append(time.perf_counter() - started)
            found["seconds"] = sorted(times)[len(times) // 2]
        except duckdb.Error as error:
            found["error"] = str(error).splitlines()[0]
        print(json.dumps(found), flush=True)


main()
