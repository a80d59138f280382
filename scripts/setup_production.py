"""`npm run setup -- --env production`: deploys an environment, or what differs in it.

`npm run setup -- --help` lists its options. Its code is in `scripts/production/`.
"""

from shared.project import become

become("production")
