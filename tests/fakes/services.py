"""What `make services` started, as its environment file tells."""

import os
import re
from pathlib import Path


def services_env() -> dict[str, str]:
    """What scripts/services.sh says is up; the environment wins over its file."""
    folder = Path(os.environ.get("CUTOVER_SERVICES_DIR") or Path.home() / ".cache" / "cutover-services")
    try:
        text = (folder / "services.env").read_text()
    except FileNotFoundError:
        text = ""
    exports = {name: value.strip("'") for name, value in re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE)}
    return exports | {name: value for name, value in os.environ.items() if value}
