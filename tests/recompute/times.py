"""Times (RFC 3339 to microseconds of UTC) and durations (P2)."""

import re
from datetime import date

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = date(1970, 1, 1).toordinal()
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DURATION_PART = re.compile(r"(\d+)(wd|d|h|m|s)", re.ASCII)
_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}

EARLIEST = (date(1990, 1, 1).toordinal() - _EPOCH) * DAY
TOO_LATE = (date(2201, 1, 1).toordinal() - _EPOCH) * DAY


class BadTime(ValueError):
    pass


class BadDuration(ValueError):
    pass


def parse_time(text):
    match = _RFC3339.fullmatch(text)
    if not match:
        raise BadTime("not RFC 3339 with a zone")
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups()
    hour, minute, second = int(hour), int(minute), int(second)
    if hour > 23 or minute > 59 or second > 59:
        raise BadTime("impossible time")
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError:
        raise BadTime("impossible date") from None
    at = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND
    if fraction:
        at += int(fraction[:6].ljust(6, "0"))
    if sign:
        zone_hour, zone_minute = int(zone_hour), int(zone_minute)
        if zone_hour > 23 or zone_minute > 59:
            raise BadTime("impossible zone")
        offset = zone_hour * HOUR + zone_minute * MINUTE
        at += -offset if sign == "+" else offset
    if not EARLIEST <= at < TOO_LATE:
        raise BadTime("outside 1990-2200")
    return at


def format_time(at):
    """Microseconds -> RFC 3339 in UTC, for output and for the generator."""
    days, rest = divmod(at, DAY)
    day = date.fromordinal(days + _EPOCH).isoformat()
    seconds, micros = divmod(rest, SECOND)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{day}T{clock}.{micros:06}Z" if micros else f"{day}T{clock}Z"


def parse_duration(text, working_day=None):
    """P2: whole numbers with units, each unit at most once; more than zero, at most 366 d."""
    units = dict(_UNITS)
    if working_day is not None:
        units["wd"] = working_day
    total, at, seen = 0, 0, set()
    while at < len(text):
        part = _DURATION_PART.match(text, at)
        if not part or part[2] in seen:
            raise BadDuration(f"not a duration: {text!r}")
        if part[2] not in units:
            raise BadDuration(f"{part[2]!r} has no meaning here: {text!r}")
        seen.add(part[2])
        total += int(part[1]) * units[part[2]]
        at = part.end()
    if not 0 < total <= 366 * DAY:
        raise BadDuration(f"not more than zero and at most 366d: {text!r}")
    return total
