"""The log entries by dlt, as its guide has it: read lines, merge by key, into DuckDB. No index."""

import glob
import json
import os
import sys

import dlt

path, folder = sys.argv[1:3]


@dlt.resource(name="entries", primary_key="id", write_disposition="merge", max_table_nesting=0)
def entries():
    for file in sorted(glob.glob(f"{folder}/*.ndjson")):
        with open(file) as lines:
            batch = []
            for line in lines:
                batch.append(json.loads(line))
                if len(batch) == 1000:
                    yield batch
                    batch = []
            yield batch


os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
pipeline = dlt.pipeline(
    "bench", pipelines_dir=path + ".dlt", destination=dlt.destinations.duckdb(path), dataset_name="bench"
)
pipeline.run(entries())
