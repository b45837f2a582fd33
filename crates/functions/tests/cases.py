"""Fills `cases.tsv` with Spark's own answers.

    pip install pyspark==4.3.0        # needs Java 17 or newer
    python cases.py cases.tsv         # rewrites the second and third column
    python cases.py cases.tsv check   # changes nothing, ends with 1 where Spark answers otherwise

The session's time zone is UTC; everything else is Spark's default, ANSI mode included.
"""

import sys

from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession
from pyspark.sql import types

KINDS = {
    types.BooleanType: ("boolean", "cast(cast(x as int) as string)"),
    types.ByteType: ("integer", "cast(x as string)"),
    types.ShortType: ("integer", "cast(x as string)"),
    types.IntegerType: ("integer", "cast(x as string)"),
    types.LongType: ("integer", "cast(x as string)"),
    types.FloatType: ("real", "cast(cast(x as double) as string)"),
    types.DoubleType: ("real", "cast(x as string)"),
    types.DecimalType: ("real", "cast(cast(x as double) as string)"),
    types.StringType: ("text", "x"),
    types.DateType: ("date", "cast(x as string)"),
    types.TimestampType: ("timestamp", "date_format(x, \"yyyy-MM-dd'T'HH:mm:ss'Z'\")"),
    types.NullType: ("null", "cast(x as string)"),
}


def answer(spark, expression):
    """The kind and the text of what Spark makes of an expression."""
    try:
        frame = spark.sql(f"select {expression} as x")
        kind, text = KINDS[type(frame.schema[0].dataType)]
        value = frame.selectExpr(text).collect()[0][0]
    except KeyError:
        raise
    except Exception as error:  # whatever Spark refuses, at analysis or at run time
        condition = error.getCondition() if hasattr(error, "getCondition") else None
        if condition is None or condition.startswith("PARSE"):
            print(f"{expression}: {error}", file=sys.stderr)
        return "error", ""
    # SQLite has no NaN.
    if value is None or (kind == "real" and value == "NaN"):
        return "null", ""
    return kind, value


def main(path, check):
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    # Many cases are refused on purpose.
    PySparkLogger.getLogger("SQLQueryContextLogger").setLevel("CRITICAL")
    lines = open(path, encoding="utf-8").read().splitlines()
    filled, differing = [], []
    for line in lines:
        if line and not line.startswith("#"):
            expression = line.split("\t")[0]
            now = "\t".join([expression, *answer(spark, expression)])
            if now != line:
                differing.append(now)
            line = now
        filled.append(line)
    if check:
        print("\n".join(differing))
        sys.exit(1 if differing else 0)
    open(path, "w", encoding="utf-8").write("\n".join(filled) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], len(sys.argv) > 2)
