#!/usr/bin/env python3
"""Migrates a snapshot of documents on Spark, by `godwit transform`.

    spark-submit migrate.py [--partitions N] [--godwit FILE] INPUT OUTPUT PLUGIN...

INPUT is NDJSON: a file or a folder, plain or packed with gzip. The plugins are applied in the order in
which they are named. OUTPUT becomes a folder that Spark commits as one:

    OUTPUT/outcome=migrated/   the new documents, one a line
    OUTPUT/outcome=failed/     what failed, one JSON object a line: the plugin, the reason, the document
    OUTPUT/outcome=tally/      what each task counted
    OUTPUT/_SUCCESS            is there when all of it is

Tasks read and write files only. The same input, plugins and number of partitions leave the same bytes,
whatever is retried on the way.

Exit codes: 0 all documents are accounted for and none failed; 1 the job failed, or counts differ;
2 bad input; 4 all are accounted for, and some failed.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from tempfile import TemporaryFile

from pyspark import SparkFiles
from pyspark.sql import SparkSession
from pyspark.sql.functions import col

# Godwit's exit code when documents failed.
SOME_FAILED = 4

# How much of a process's log an error quotes, in bytes: some lines.
LOG_END = 2000

# A line that is no JSON document is told without a body, since that would not be JSON either.
NO_DOCUMENT = re.compile(rb'\{"line":(\d+),"kind":"not a document"')


def migrate(rows, godwit, plugins):
    """A task: has the plugins transform a partition, one after another; yields (outcome, line).

    Nothing is handed on before every process has ended well, and there is one at a time, on one thread:
    Spark gave the task one core. Documents lie in files in between, so that a partition may be larger
    than the memory. The files have no names; whatever kills the task leaves none behind.
    """
    made = TemporaryFile()
    for row in rows:
        made.write(row.value + b"\n")
    tally = []
    for plugin in plugins:
        source, made = made, TemporaryFile()
        with source, TemporaryFile() as failures:
            read = count(source)
            if read:
                transform(godwit, plugin, source, made, failures, read)
            failed = count(failures)
            written = count(made)
            # A process that ended well has passed on, removed or told every document.
            removed = read - written - failed
            if removed < 0:
                raise RuntimeError(f"{plugin} made {written} documents of {read}, and {failed} failed")
            tally.append({"plugin": plugin, "read": read, "removed": removed, "failed": failed})
            yield from (("failed", told) for told in tell(plugin, failures, source))
    with made:
        yield from (("migrated", line.rstrip(b"\n")) for line in made)
    yield "tally", json.dumps(tally).encode()


def count(file):
    """How many lines a file has; it is at its start afterwards."""
    file.seek(0)
    lines = sum(1 for _ in file)
    file.seek(0)
    return lines


def transform(godwit, plugin, source, made, failures, read):
    """Runs `godwit transform`; raises, so that Spark tries the task again, unless it went to the end."""
    told = failures.fileno()
    command = [godwit, "transform", SparkFiles.get(plugin), "--threads", "1", "--failures", f"/dev/fd/{told}"]
    with TemporaryFile() as log:
        code = subprocess.run(command, stdin=source, stdout=made, stderr=log, pass_fds=[told]).returncode
        failed = count(failures)
        # What the plugin logged belongs into the executor's log.
        log.seek(0)
        shutil.copyfileobj(log, sys.stderr.buffer)
        sys.stderr.flush()
        log.seek(max(0, log.tell() - LOG_END))
        end = log.read().decode(errors="replace").rstrip()
    # The code also tells of a plugin that is at fault itself; the last line, that all documents were read.
    if code == SOME_FAILED and end.endswith(f"{failed:,} of {read:,} documents failed"):
        return
    if code != 0 or failed:
        raise RuntimeError(f"`godwit transform {plugin}` ended with {code}, {failed} failed: {end}")


def tell(plugin, failures, source):
    """What failed: as Godwit tells it, byte for byte, with the plugin and, where no body is, the text."""
    bad = {int(match[1]) for match in map(NO_DOCUMENT.match, failures) if match}
    source.seek(0)
    texts = {number: line for number, line in enumerate(source, 1) if number in bad} if bad else {}
    failures.seek(0)
    for told in failures:
        fields = {"plugin": plugin}
        if match := NO_DOCUMENT.match(told):
            fields["text"] = texts[int(match[1])].rstrip(b"\n").decode(errors="backslashreplace")
        yield json.dumps(fields).encode()[:-1] + b", " + told.rstrip(b"\n")[1:]


def lines_of(spark, path):
    # Spark would end lines at a lone carriage return, too.
    return spark.read.text(path, lineSep="\n")


def run(spark, args):
    """Migrates, then compares what Spark reads back with what it was given; gives the exit code."""
    # Spark ships the plugins, so that all tasks have the same ones.
    for plugin in args.plugins:
        spark.sparkContext.addFile(os.path.abspath(plugin))
    godwit, plugins = args.godwit, [os.path.basename(plugin) for plugin in args.plugins]

    # Empty lines are no documents for Godwit, either.
    documents = lines_of(spark, args.input).where(col("value").rlike(r"[^ \t\f\r]"))
    read = documents.count()
    partitions = args.partitions or spark.sparkContext.defaultParallelism * 4
    # Where a document goes depends on its bytes, and so does the order: a task that is tried again, after
    # documents came to it in another order, leaves the same bytes.
    parts = documents.repartition(partitions, "value").sortWithinPartitions("value")
    # As bytes: text would not survive where it is not UTF-8.
    parts = parts.select(col("value").cast("binary").alias("value"))
    outcomes = parts.rdd.mapPartitions(lambda rows: migrate(rows, godwit, plugins))
    outcomes = spark.createDataFrame(outcomes, "outcome string, value binary", verifySchema=False)
    outcomes = outcomes.select("outcome", col("value").cast("string").alias("value"))
    # One job and one commit for all outcomes: none of them can be there without the others.
    mode = "overwrite" if args.overwrite else "error"
    outcomes.write.partitionBy("outcome").mode(mode).text(args.output)

    written = lines_of(spark, args.output).cache()
    counts = {row["outcome"]: row["count"] for row in written.groupBy("outcome").count().collect()}
    migrated, failed = counts.get("migrated", 0), counts.get("failed", 0)
    tallies = [json.loads(row.value) for row in written.where(col("outcome") == "tally").collect()]
    fed = sum(tally[0]["read"] for tally in tallies)
    removed = sum(step["removed"] for tally in tallies for step in tally)
    told = sum(step["failed"] for tally in tallies for step in tally)

    print(f"{read:,} read, {migrated:,} migrated, {removed:,} removed, {failed:,} failed")
    if (fed, told) != (read, failed) or read != migrated + removed + failed:
        print(f"counts differ: tasks were fed {fed:,}, of which {told:,} failed", file=sys.stderr)
        return 1
    return SOME_FAILED if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="INPUT")
    parser.add_argument("output", metavar="OUTPUT")
    parser.add_argument("plugins", metavar="PLUGIN", nargs="+")
    parser.add_argument("--godwit", metavar="FILE", default="godwit", help="the binary on the workers")
    parser.add_argument("--partitions", metavar="N", type=int, help="default: four for each core")
    parser.add_argument("--overwrite", action="store_true", help="replace what OUTPUT holds")
    args = parser.parse_args()
    for plugin in args.plugins:
        if not os.path.isfile(plugin):
            parser.error(f"there is no plugin {plugin}")

    spark = (
        SparkSession.builder.appName("godwit transform")
        # What a task wrote is moved to its place when the job is committed, not before: an attempt that
        # failed or lost against another one leaves nothing.
        .config("spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version", "1")
        # The three outcomes are written side by side; Spark would sort each partition by outcome instead.
        .config("spark.sql.maxConcurrentOutputFileWriters", "3")
        .getOrCreate()
    )
    try:
        return run(spark, args)
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
