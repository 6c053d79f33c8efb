"""Text that came from the host, made safe to show: core/text.py has it, since the log needs it too."""

from opskit.core.text import shown

__all__ = ["shown"]
