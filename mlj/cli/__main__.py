"""``python -m mlj.cli`` is ``mlj``."""

import sys

from mlj.cli import main

sys.exit(main())
