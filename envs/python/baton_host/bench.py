"""What ``baton bench bridge`` measures against: a host whose environments do nothing, and one that is no host at all.

``python3 -m baton_host.bench --env null|echo --copies K --options '{"size": BYTES, "seconds": S}' --bind ENDPOINT``. ``null``
serves K copies whose time steps take BYTES together; a step takes S seconds, asleep. ``echo`` answers any message with as many
bytes as ``null`` would after as long a sleep, without looking at it.
"""

from __future__ import annotations

import sys

from .__main__ import guarded, parser


def main() -> int:
    return guarded(_serve)


def _serve() -> int:
    # Only now: it needs packages that were just looked for.
    from .bench_host import serve

    return serve(parser().parse_args())


if __name__ == "__main__":
    sys.exit(main())
