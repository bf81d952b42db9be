"""Starts the provider plugin ``foundation``: ``python provider ENGINE_ADDRESS``."""

import sys
from pathlib import Path

# Started as a folder, Python looks for modules in it; the package is found from the folder above, whatever the
# working directory.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from provider.light_sdk import use_light_sdk  # noqa: E402

use_light_sdk()

from provider.foundation import Foundation  # noqa: E402
from provider.plugin import serve  # noqa: E402

serve(Foundation())
