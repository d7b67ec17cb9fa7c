"""An agent that ends before it is ready, and says why."""

import sys

print("looking around", file=sys.stderr)
print("the settings are missing", file=sys.stderr)
sys.exit(3)
