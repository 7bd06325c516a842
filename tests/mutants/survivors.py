"""Mutants that change nothing that anybody could see, each with the reason."""

_IN_1970 = "a time of 1970 is long past, to the millisecond"

_TRUTH = "only its truth is asked for"
_SHORTCUT = "the long way gives the same, and costs more"

_ON_BOTH_SIDES = "unchanged lines are two places then, and no comment stands on either"

#: By module, the function and the change as they are printed, and why it is equivalent.
EQUIVALENT: dict[str, dict[str, str]] = {
    "workers.analysis.anchor": {
        "_hunks_by_line: for line in hunk.lines if line.new is not None → for line in hunk.lines": (
            "the hunk of the line None is never asked for"
        ),
        "_marked: if not any((line.startswith(('+', '-')) for line in lines)): return No"
        " → if False: return None": "lines that begin with a space are the same without it, folded",
        "_contiguous: return all((before is not None and after == before + 1 for before, aft"
        " → return None": _ON_BOTH_SIDES,
        "_place: if not changed and _contiguous([line.new for line in lines]): side = S"
        " → if False: side = Side.RIGHT": _ON_BOTH_SIDES,
    },
    "workers.analysis.suggestions": {
        "_indent: match.group() if match else '' → match.group() if True else ''": (
            "the pattern matches every line, if only nothing of it"
        ),
        "_repeats: return False → return None": _TRUTH,
        "_alike: return False → return None": _TRUTH,
        "_alike: True → False": "lines of another number were refused before",
        "_still_parses: return False → return None": _TRUTH,
    },
    "workers.analysis.validate": {"_confirmed: return '' → return None": _TRUTH},
    "workers.reports.dedupe": {
        "_is_one: 0 → 1": "those of a kind have one source",
        "_is_one: False → True": "a finding that is alone gets no places by being one",
        "_overlap: return False → return None": _TRUTH,
    },
    "workers.reports.merge": {"_says_the_same: return False → return None": _TRUTH},
    "bot.domain.commands": {
        "parse: if not _begins(prefix).search(body): return _mentioned(body, us) if us "
        "→ if False: return _mentioned(body, us) if us and f'@{us}'.lower() in bo": (_SHORTCUT),
        "parse: _mentioned(body, us) if us and f'@{us}'.lower() in body.lower() else ( "
        "→ _mentioned(body, us) if True else ()": (_SHORTCUT),
    },
    "bot.domain.suppressions": {"covers: return False → return None": _TRUTH},
    "bot.text.globs": {
        "_entered_by: 0 → 1": "its bit is the first state's, and no character leads there",
    },
    "lua.llm": {
        "acquire_slot: redis.call('ZADD', waiters, 'NX', redis.call('HINCRBY', state, 'ticket', 1),"
        " args.me) → redis.call('ZADD', waiters, 'NX', redis.call('HINCRBY', state, 'ticket', 2),"
        " args.me)": "tickets have to rise, by whatever",
        "throttle: redis.call('HSET', state, 'pause', math.max(tonumber(pause or '0'), now +"
        " args.pause)) → redis.call('HSET', state, 'pause', math.max(tonumber(pause or '1'), now +"
        " args.pause))": _IN_1970,
        "acquire_slot: local at = math.max(tonumber(next_at or '0'), tonumber(pause or '0')) →"
        " local at = math.max(tonumber(next_at or '0'), tonumber(pause or '1'))": _IN_1970,
        "acquire_slot: local at = math.max(tonumber(next_at or '0'), tonumber(pause or '0')) →"
        " local at = math.max(tonumber(next_at or '1'), tonumber(pause or '0'))": _IN_1970,
    },
    "lua.prelude": {
        "prelude: if not line then return '' end → if not line then return nil end": (
            "who records nothing asks for no id"
        ),
    },
    "lua.queues": {
        "requeue_lost_messages: for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key.HEARTBEATS,"
        " 0, now - args.lost)) do → for _, worker in ipairs(redis.call('ZRANGEBYSCORE',"
        " key.HEARTBEATS, 1, now - args.lost)) do": _IN_1970,
    },
    "lua.reviews": {
        "finish_batch: transition(args.id, 'reporting', 0) → transition(args.id, 'reporting', 1)": (
            "what goes on is kept without an end"
        ),
    },
}
