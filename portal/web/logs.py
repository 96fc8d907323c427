"""What no line of the log may hold: the visit that a link of the home carries, and signs that forge or hide lines."""

import logging
import re

from core.quoting import escaped

_OPENED = re.compile(r"(/for-you/open/)\S*")


class WithoutVisits(logging.Filter):
    """Lets every record pass, with such addresses cut; an error of the framework names the address it happened at."""

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        if "/for-you/open/" in told:
            record.msg, record.args = _OPENED.sub(r"\1…", told), ()
        return True


class Escaped(logging.Filter):
    """One message is one line: what is quoted of foreign input cannot begin another, or steer a terminal."""

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        if (safe := escaped(told)) != told:
            record.msg, record.args = safe, ()
        return True
