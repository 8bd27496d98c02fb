"""The functions' own counters, from the metric lines that they print, held against what was sent."""

import json
import time
from collections import Counter

from local import function_logs
from table import table

ENDINGS = ("applied", "unchanged", "superseded", "skipped", "parked", "dead")
PATIENCE_S = 15


def counters(lines, since_ms: int) -> Counter:
    """Sums of what was counted since then, by function and metric; what is measured is left out."""
    sums = Counter()
    for line in lines:
        at = line.find('{"_aws"')
        if at < 0:
            continue
        told = json.loads(line[at:])
        if told["_aws"]["Timestamp"] < since_ms:
            continue
        for directive in told["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                value = told[metric["Name"]]
                if isinstance(value, int):
                    sums[(told["function"], metric["Name"])] += value
    return sums


def differences(sums: Counter, sent: int) -> list:
    """What does not add up, in words."""
    ended = sum(sums[("sync", f"event_{ending}")] for ending in ENDINGS)
    wrong = []
    if sums[("sync", "events")] != sent:
        wrong.append(f"{sent:,} events were sent, {sums[('sync', 'events')]:,} are counted")
    if ended != sent:
        wrong.append(f"{sent:,} events were sent, {ended:,} endings are counted")
    parts = ("returned", "sent_on", "wakes", "looks_done", "events")
    if sums[("sync", "messages")] != sum(sums[("sync", part)] for part in parts):
        wrong.append(f"messages do not add up: { {part: sums[('sync', part)] for part in ('messages', *parts)} }")
    return wrong


def add_up(demo) -> None:
    demo.story.scene(
        "The books",
        "Every event has exactly one ending, and the functions' counters, the ones that CloudWatch gets, add up to the events "
        "that were sent, the house's among them: over all batches, repeats and outages.",
    )
    began = time.monotonic()
    while True:
        sums = counters(function_logs(), demo.began_ms)
        wrong = differences(sums, demo.sent())
        if not wrong or time.monotonic() - began > PATIENCE_S:
            break
        time.sleep(0.5)
    row = [f"{sums[('sync', 'events')]:,}"] + [f"{sums[('sync', f'event_{ending}')]:,}" for ending in ENDINGS]
    for line in table(["events", *ENDINGS], [row]).splitlines():
        demo.story.note(line)
    demo.story.check(not wrong, "they are the events that were sent", "; ".join(wrong))
