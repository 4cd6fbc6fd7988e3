"""Structured logging to standard error, set up once a process."""

import logging
import sys

import structlog

from mintmark.core.settings import settings


def set_up() -> None:
    """Sends records of the settings' level and above to standard error."""
    level = logging.getLevelNamesMapping()[settings().log_level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Looked up at each record, since a terminal program may swap the stream.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def get_logger(room: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose records carry the room that wrote them."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return logger
