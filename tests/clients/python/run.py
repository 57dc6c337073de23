"""Runs every check of the Python suite in order against one server; the last line is `N passed, N failed`.

    run.py [WORD...]    only the checks whose name contains one of the words (and what they need)
"""

import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import audit
import errors
import gateway
import keys
import people
import projects
import repeats
import roles
import usage
from world import World

MODULES = [projects, people, roles, keys, gateway, usage, audit, errors, repeats]


def main():
    world, words = World.from_environment(), sys.argv[1:]
    passed, failed = 0, 0
    for module in MODULES:
        for name, check in vars(module).items():
            if not name.startswith("check_") or (words and not any(word in name for word in words)):
                continue
            if run(name.removeprefix("check_").replace("_", " "), check, world):
                passed += 1
            else:
                failed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 else 1)


def run(sentence, check, world):
    started = time.monotonic()
    try:
        check(world)
    except Exception:  # A broken check must not hide the checks after it.
        print(f"FAILED  {sentence}")
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"ok      {sentence} ({time.monotonic() - started:.2f} s)", flush=True)
    return True


if __name__ == "__main__":
    main()
