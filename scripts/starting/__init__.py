"""`npm start`: runs the Worker on this machine, before a Supabase of its own or before yours."""

import sys

from shared.project import PACKAGE

sys.path.append(str(PACKAGE / "src"))  # the doctor's checks use the Worker's own code
