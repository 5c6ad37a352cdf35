"""S7: calendars. Any IANA zone; the local intervals of each date are converted to intervals of UTC."""

import re
from bisect import bisect_right
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from times import DAY, MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
LAST = (date(2900, 1, 1).toordinal() - _EPOCH_DAY) * DAY  # the search ends here
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _utc(zone, day, minute, is_end):
    """The instant of local time `minute` on `day`; 24:00 is the first instant of the next date."""
    if minute == 1440:
        day, minute, is_end = day + 1, 0, False
    wall = datetime.combine(date.fromordinal(day + _EPOCH_DAY), datetime.min.time()) + timedelta(minutes=minute)
    first = wall.replace(tzinfo=zone, fold=0)
    second = wall.replace(tzinfo=zone, fold=1)
    twice = first.utcoffset() > second.utcoffset()  # in a gap it is the other way round
    chosen = second if is_end and twice else first
    return (chosen.astimezone(timezone.utc) - _EPOCH) // _MICROSECOND


class Hours:
    """A calendar with hours. weekly: 7 lists of (start, end) in minutes, Monday first; days: number of a date ->
    such a list; yearly: (month, day of the month) -> such a list. An end that is not later than its start is on the
    next date."""

    rests = True

    def __init__(self, zone_name, weekly, days, working_day=None, yearly=None):
        self.zone = ZoneInfo(zone_name)
        self.weekly = weekly
        self.days = days
        self.yearly = yearly or {}
        self.working_day = working_day
        self._first = self._last = None  # the dates that are converted so far, both included
        self._starts, self._ends, self._before = [], [], []

    def _hours_of(self, day):
        if day in self.days:
            return self.days[day]
        if self.yearly:
            on = date.fromordinal(day + _EPOCH_DAY)
            if (on.month, on.day) in self.yearly:
                return self.yearly[on.month, on.day]
        return self.weekly[(day + 3) % 7]  # 1970-01-01 was a Thursday

    def _intervals_of(self, day):
        for start, end in self._hours_of(day):
            begins = _utc(self.zone, day, start, False)
            ends = _utc(self.zone, day + 1 if end <= start else day, end, True)
            if ends > begins:
                yield begins, ends

    def _lay_out(self, begin, end):
        """Converts all dates that can overlap [begin, end]."""
        first, last = begin // DAY - 3, end // DAY + 3
        if self._first is not None and first >= self._first and last <= self._last:
            return
        if self._first is not None:
            first, last = min(first, self._first), max(last, self._last)
        margin = max(30, last - first)
        self._first, self._last = max(first - 10, 1 - _EPOCH_DAY + 3), last + margin
        merged = []
        for begins, ends in sorted(i for day in range(self._first, self._last + 1) for i in self._intervals_of(day)):
            if merged and begins <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], ends)
            else:
                merged.append([begins, ends])
        self._starts = [begins for begins, _ in merged]
        self._ends = [ends for _, ends in merged]
        self._before, total = [], 0
        for begins, ends in merged:
            self._before.append(total)
            total += ends - begins

    def _until(self, at):
        i = bisect_right(self._starts, at) - 1
        return 0 if i < 0 else self._before[i] + min(at, self._ends[i]) - self._starts[i]

    def elapsed(self, begin, end):
        if end <= begin:
            return 0
        self._lay_out(begin, end)
        return self._until(end) - self._until(begin)

    def advance(self, begin, amount):
        """Returns None if it is not before the year 2900."""
        reach = begin + amount
        while True:
            self._lay_out(begin, min(reach, LAST))
            wanted = self._until(begin) + amount
            if self._before and self._before[-1] + self._ends[-1] - self._starts[-1] >= wanted:
                break
            if reach > LAST:
                return None
            reach += reach - begin + 30 * DAY
        low, high = 0, len(self._starts) - 1  # the first interval by whose end it has run
        while low < high:
            middle = (low + high) // 2
            if self._before[middle] + self._ends[middle] - self._starts[middle] >= wanted:
                high = middle
            else:
                low = middle + 1
        at = self._starts[low] + wanted - self._before[low]
        return at if at <= LAST else None


def minutes(text):
    """"08:30" -> 510; None if it is not a time of day."""
    if len(text) != 5 or text[2] != ":" or not (text[:2] + text[3:]).isascii() or not (text[:2] + text[3:]).isdigit():
        return None
    hour, minute = int(text[:2]), int(text[3:])
    at = hour * 60 + minute
    return at if minute < 60 and at <= 1440 else None


@lru_cache(None)
def _zones():
    """Whether IANA has this zone. A system also has its own zone and copies with leap seconds (`right/`)."""
    return available_timezones() - {"localtime"}


def zone_exists(name):
    return name in _zones()


def day_number(text):
    """"2026-10-01" -> days since 1970; None if it is not a date of 1990-2200."""
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        return None
    return day.toordinal() - _EPOCH_DAY if day and 1990 <= day.year <= 2200 else None


def weekdays_of(key):
    """P4: the weekdays that a key of `weekly` names, Monday is 0; None if the key is invalid."""
    first, dash, last = key.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        return None
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last if dash else first)
    return [day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)]


def dates_of(key):
    """P4: the dates that a key of `days` names, as a range of numbers; None if it is not a date or range of dates."""
    first, slash, last = key.partition("/")
    begin, end = day_number(first), day_number(last if slash else first)
    return None if begin is None or end is None or end < begin else range(begin, end + 1)


def yearly_of(key):
    """P4: (month, day of the month) of a yearly day; None if it is none."""
    try:
        on = date.fromisoformat(f"2000-{key}") if re.fullmatch(r"\d\d-\d\d", key, re.ASCII) else None
    except ValueError:
        return None
    return on and (on.month, on.day)


assert MINUTE * 1440 == DAY
