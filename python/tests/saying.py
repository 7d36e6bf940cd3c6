"""What the Python agents say: events on stdout, one JSON object a line."""

import json
import sys
import time


def say(event, **fields):
    # One write: handlers say something too, from threads of their own.
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def failed(what, error):
    # The kind's name as the core has it: the class without its ending.
    kind = type(error).__name__.removesuffix("Error").replace("OperationCancelled", "Cancelled")
    say("failed", do=what, kind=kind, message=str(error))
