"""`npm run doctor`: says what is missing between this clone and a working production.

`npm run doctor -- --help` lists its options. Its code is in `scripts/diagnosis/`.
"""

from shared.project import become

become("diagnosis")
