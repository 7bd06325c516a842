"""What a model is asked: the prompts of `templates/prompts/` with their data (pure).

The fixed system prompt comes first, then what is the same for a whole review, then
the files: servers cache an unchanged prefix. Every line of text that is not ours
begins with `|` or with line numbers and `|`, so that no data can end its section.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import templates
from bot.config.prompt_shares import prompt_budget
from bot.config.repository_config import Instruction, TeamCheck, TeamPreference
from bot.domain.diff import Hunk, Side
from bot.domain.look_ups import LookUp, LookUpResult, Operation
from bot.domain.model import Category, Convention, Finding, PullRequestContext
from bot.policy.preferences import concerning
from bot.text.globs import any_matches
from bot.text.tokens import count_tokens
from workers.analysis.answer_schemas import (
    CHECKS_SCHEMA,
    MATCHES_SCHEMA,
    PREFERENCE_SCHEMA,
    VERDICTS_SCHEMA,
    review_schema,
)
from workers.analysis.llm.json_reader import Json
from workers.analysis.model_answer import MAX_FINDINGS, MAX_PLACES, finding_items
from workers.analysis.redacted_view import RedactedView, clean, one_line

#: Of each text that the author wrote about the change, as much as this is shown.
_BRIEF_CHARS = 6000
_COMMITS = 30
#: Tokens for the words that stand over a text, or after it where it is cut.
_MARKS = 8
#: Preferences that are shown, and tokens for the words that explain them.
MAX_PREFERENCES = 20
_PREFERENCE_RULES = 250
#: Of a thread so many comments are shown, the first among them, and of each so much.
_COMMENTS = 20
_COMMENT_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Prompt:
    """The two messages of a question."""

    system: str
    user: str

    @property
    def tokens(self) -> int:
        return count_tokens(self.system) + count_tokens(self.user)


#: Look-ups, and findings, under the numbers that the model knows them by.
LookedUp = Sequence[tuple[int, LookUpResult]]
Numbered = Sequence[tuple[int, Finding]]
NumberedPreferences = Sequence[tuple[int, TeamPreference]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How far a reading or a check has come. `left` is how many more times something may be
    looked up, `at_once` how much each time, `omitted` how much of the last time was too much;
    `draft` is the answer before this one; `second` is a reading beside another one."""

    looked_up: LookedUp = ()
    draft: Json | None = None
    omitted: int = 0
    left: int = 0
    at_once: int = 0
    second: bool = False


def _data(value: str | Sequence[str]) -> str:
    """Text, or texts one after another, as lines of a data section."""
    text = value if isinstance(value, str) else "\n".join(value)
    return "\n".join("|" + line for line in clean(text).split("\n"))


def _hunk(hunk: Hunk) -> str:
    """Lines as `old new mark|code`, numbers of both sides, `-` where there is none."""
    shown = []
    for line in hunk.lines:
        mark = "+" if line.added else "-" if line.removed else " "
        shown.append(f"{line.old or '-'} {line.new or '-'} {mark}|{line.text}")
    return "\n".join(shown)


def _evidence(finding: Finding) -> str:
    side = "new" if finding.side is Side.RIGHT else "old"
    return f"{finding.source}, {side} line {finding.start_line}: {finding.title}"


def _wanted(look_up: LookUp) -> str:
    """A look-up in words."""
    seen = f", seen in {look_up.path}" if look_up.path else ""
    match look_up.operation:
        case Operation.READ:
            side = "old" if look_up.side is Side.LEFT else "new"
            last = look_up.end or "the end"
            lines = f", lines {look_up.start} to {last}" if look_up.start else ""
            return f"read {look_up.path}{lines} ({side} side)"
        case Operation.SEARCH:
            return f"search {look_up.pattern!r} in {look_up.glob or 'all files'}"
        case Operation.LIST:
            return f"list {look_up.path or 'the root'}"
        case operation:
            return f"{operation} of {look_up.symbol}{seen}"


#: Prompts are plain text: `data` escapes what is not ours.
_ENVIRONMENT = templates.environment(
    "prompts",
    autoescape=False,
    filters={
        "data": _data,
        "hunk": _hunk,
        "evidence": _evidence,
        "one_line": one_line,
        "wanted": _wanted,
    },
    keep_trailing_newline=True,
)


def batch_prompt(
    files: Sequence[RedactedView],
    pr_context: PullRequestContext,
    instructions: Sequence[Instruction],
    categories: Sequence[Category],
    context_tokens: int,
    *,
    overview: Sequence[str] = (),
    conventions: Sequence[Convention] = (),
    reading: Round = Round(),
    open_findings: Numbered = (),
    preferences: NumberedPreferences = (),
    tone: str = "",
    diagram: bool = False,
) -> Prompt:
    """The question that reviews `files`; only findings of `categories` are asked for. Of
    `pr_context` and `open_findings` together, and of `instructions`, `preferences` and
    `conventions`, as much is shown as their shares of `context_tokens` allow; of
    `reading.looked_up`, the newest that fit into what is left, at most a quarter. `overview` is on
    the rest of the change, `tone` is how findings are to sound; a `diagram` of the changed flow
    is asked for or not."""
    budgets = prompt_budget(context_tokens)
    chosen = () if set(categories) == set(Category) else tuple(categories)
    template = _ENVIRONMENT.get_template("batch.md.j2")
    schema = review_schema(
        later=bool(open_findings),
        preferences=bool(preferences),
        diagram=diagram,
        issue=bool(pr_context.issue),
    )
    system = _ENVIRONMENT.get_template("system.md.j2").render(
        categories=chosen,
        schema=_compact(schema.body),
        diagram=diagram,
    )
    reported = _reported(open_findings, budgets.pr_context // 2)
    failed = _failed_checks(pr_context, files, budgets.pr_context // 4)
    failed += _job_logs(pr_context, budgets.pr_context // 4)
    room_for_words = budgets.pr_context - sum(map(count_tokens, (*reported, *failed)))
    preferred, used = _preferred(preferences, budgets.instructions // 2)
    applying, room_left = _applying(instructions, files, budgets.instructions - used)
    values = {
        "files": files,
        "pr_context": _fitted(_shortened(pr_context), room_for_words),
        "open_findings": reported,
        "failed_checks": failed,
        "instructions": applying,
        "preferences": preferred,
        "conventions": _fitting(conventions, room_left),
        "overview": [one_line(line) for line in overview],
        "draft": _draft(reading.draft),
        "tone": one_line(tone),
    }
    bare = Prompt(system, template.render(values | _round(reading, ())))
    if not reading.looked_up:
        return bare
    room = max(budgets.look_ups, min(context_tokens // 4, context_tokens - bare.tokens))
    return Prompt(
        system, template.render(values | _round(reading, newest(reading.looked_up, room)))
    )


def _round(reading: Round, looked_up: LookedUp) -> dict[str, object]:
    return {
        "looked_up": looked_up,
        "look_ups_left": reading.left,
        "look_ups_per_round": reading.at_once,
        "omitted": reading.omitted,
        "second": reading.second,
    }


def newest(looked_up: LookedUp, budget: int) -> LookedUp:
    """The last of them that are shown in `budget` tokens; one alone that is too long is cut."""
    kept: list[tuple[int, LookUpResult]] = []
    for number, result in reversed(looked_up):
        text = result.text if kept else _cut_tokens(result.text, max(budget - 4 * _MARKS, 0))
        budget -= count_tokens(text) + text.count("\n") + 4 * _MARKS
        if budget < 0 and kept:
            break
        kept.append((number, replace(result, text=text)))
    return kept[::-1]


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _draft(answer: Json | None) -> str:
    """The findings of an answer, one a line, as the model wrote them."""
    if answer is None:
        return ""
    lines = [_compact(item) for item in (finding_items(answer) or [])[:MAX_FINDINGS]]
    return "\n".join(lines) or "no findings so far"


def _reported(open_findings: Numbered, budget: int) -> list[str]:
    """The first of them that are shown in `budget` tokens, one a line."""
    shown = []
    for number, finding in open_findings:
        at = f" line {finding.start_line}" if finding.anchored else ""
        title = f"{finding.path}{at}, {finding.severity}: {finding.title}"
        line = f"{number}: {one_line(title)}\n"
        budget -= count_tokens(line)
        if budget < 0:
            break
        shown.append(line)
    return shown


def _failed_checks(
    pr_context: PullRequestContext, files: Sequence[RedactedView], budget: int
) -> list[str]:
    """What failed and where, one a line, in `budget` tokens: what is said of these files first."""
    shown_paths = {file.source.file.path for file in files}
    lines = [one_line(f"{check.name}: {check.summary}") for check in pr_context.failed_checks]
    notes = [(check, note) for check in pr_context.failed_checks for note in check.annotations]
    notes.sort(key=lambda pair: pair[1].path not in shown_paths)
    lines += [
        one_line(f"{note.path} lines {note.start_line} to {note.end_line}: {note.text}")
        for _, note in notes
    ]
    kept = []
    for line in lines:
        budget -= count_tokens(line) + _MARKS
        if budget < 0:
            break
        kept.append(f"{line}\n")
    return kept


def _job_logs(pr_context: PullRequestContext, budget: int) -> list[str]:
    """The end of each failed job's log, one line a line, as much of it as fits into an equal share
    of `budget` tokens."""
    shown: list[str] = []
    with_logs = [check for check in pr_context.failed_checks if check.log]
    for check in with_logs:
        heading = f"{one_line(check.name)}, the end of its log:\n"
        room = budget // len(with_logs) - count_tokens(heading) - _MARKS
        kept: list[str] = []
        for line in reversed(check.log.split("\n")):
            kept.append(f"{one_line(line)}\n")
            room -= count_tokens(kept[-1]) + _MARKS
            if room < 0:
                kept.pop()
                break
        shown += [heading, *reversed(kept)] if kept else []
    return shown


def _applying(
    instructions: Sequence[Instruction], files: Sequence[RedactedView], budget: int
) -> tuple[list[dict[str, str]], int]:
    """Those that are for one of the files, in the repository's order, cut at `budget` tokens, and
    what is left of these."""
    shown = []
    for each in instructions:
        if any(any_matches(each.paths, file.source.file.path) for file in files):
            paths = one_line(", ".join(each.paths))
            text = _cut_tokens(each.text, budget - count_tokens(paths))
            budget -= count_tokens(f"{paths}{text}") + _MARKS
            if text:
                shown.append({"paths": paths, "text": text})
    return shown, budget


def preferences_for(
    preferences: Sequence[TeamPreference], files: Sequence[RedactedView]
) -> list[tuple[int, TeamPreference]]:
    """The first that are for one of the files, under the numbers that the model knows them by."""
    paths = [file.source.file.path for file in files]
    numbers = {id(each): number for number, each in enumerate(preferences, start=1)}
    shown = concerning(preferences, paths)[:MAX_PREFERENCES]
    return [(numbers[id(each)], each) for each in shown]


def _preferred(preferences: NumberedPreferences, budget: int) -> tuple[list[str], int]:
    """The first ones that fit into `budget` tokens, one a line, and how many they take."""
    shown: list[str] = []
    used = _PREFERENCE_RULES
    for number, each in preferences:
        line = one_line(f"{number}, for {', '.join(each.paths)}: {each.text}")
        cost = count_tokens(line) + _MARKS
        if used + cost > budget:
            break
        used += cost
        shown.append(line)
    return shown, used if shown else 0


def _fitting(conventions: Sequence[Convention], budget: int) -> list[Convention]:
    """The first ones, cut at `budget` tokens."""
    shown = []
    for each in conventions:
        path = one_line(each.path)
        text = _cut_tokens(each.text, budget - count_tokens(path))
        budget -= count_tokens(f"{path}{text}") + text.count("\n") + _MARKS
        if text:
            shown.append(Convention(path=path, text=text))
    return shown


def _fitted(pr_context: PullRequestContext, budget: int) -> PullRequestContext:
    """What is most worth its tokens first: title, description, linked issues, commit messages."""
    kept = []
    for text in (
        pr_context.title,
        pr_context.body,
        pr_context.issue,
        *reversed(pr_context.commits),
    ):
        text = _cut_tokens(text, budget)
        budget -= count_tokens(text) + _MARKS if text else 0
        kept.append(text)
    title, body, issue, *commits = kept
    commit_messages = tuple(message for message in reversed(commits) if message)
    return PullRequestContext(title=title, body=body, issue=issue, commits=commit_messages)


def _cut_tokens(text: str, budget: int) -> str:
    """The beginning of `text` of at most `budget` tokens, with the mark before each line."""
    cost = count_tokens(text) + text.count("\n")
    if cost <= budget:
        return text
    while text and cost > budget - _MARKS:
        text = text[: min(len(text) - 1, len(text) * max(budget - _MARKS, 0) // cost)]
        cost = count_tokens(text) + text.count("\n")
    return text + "\n(cut)" if text else ""


def check_prompt(
    files: Sequence[RedactedView],
    findings: Sequence[tuple[int, Finding]],
    context_tokens: int,
    checking: Round = Round(),
    *,
    forced: bool = False,
) -> Prompt:
    """The question whether each of the numbered `findings` in `files` holds; a verdict is
    `forced` where nothing more can be looked up."""
    room = max(prompt_budget(context_tokens).look_ups, context_tokens // 4)
    return _of_macros(
        "check.md.j2",
        schema=_compact(VERDICTS_SCHEMA.body),
        files=files,
        findings=findings,
        looked_up=newest(checking.looked_up, room),
        look_ups_left=checking.left,
        look_ups_per_round=checking.at_once,
        forced=forced,
    )


def team_checks_prompt(
    checks: Sequence[tuple[int, TeamCheck]],
    files: Sequence[RedactedView],
    overview: Sequence[str],
    pr_context: PullRequestContext,
    context_tokens: int,
    judging: Round = Round(),
) -> Prompt:
    """The question what the numbered checks of the team come to in `files`; `overview` is on the
    rest of the change."""
    budgets = prompt_budget(context_tokens)
    return _of_macros(
        "team_checks.md.j2",
        schema=_compact(CHECKS_SCHEMA.body),
        max_places=MAX_PLACES,
        checks=checks,
        files=files,
        overview=_first_lines(overview, budgets.context // 4),
        pr_context=_fitted(_shortened(pr_context), budgets.pr_context),
        looked_up=newest(judging.looked_up, budgets.look_ups),
        look_ups_left=judging.left,
        look_ups_per_round=judging.at_once,
    )


def _first_lines(lines: Sequence[str], budget: int) -> list[str]:
    """The first lines that are shown in `budget` tokens, and how many are not."""
    kept: list[str] = []
    for line in map(one_line, lines):
        budget -= count_tokens(line) + _MARKS
        if budget < 0:
            return [*kept, f"and {len(lines) - len(kept)} more changed files"]
        kept.append(line)
    return kept


def file_tokens(file: RedactedView) -> int:
    """What a file takes of a prompt."""
    return count_tokens(_ENVIRONMENT.get_template("file.md.j2").render(file=file))


def ask_prompt(
    question: str,
    place: str,
    thread: Sequence[str],
    pr_context: PullRequestContext,
    files: Sequence[RedactedView],
    context_tokens: int,
) -> Prompt:
    """A person's question about the change, with the thread that it stands in, and where in the
    change that is, "" for nowhere. Question and thread have the shares of what it has no need of;
    where all is more than `context_tokens`, files lose their context, then the last ones go."""
    budgets = prompt_budget(context_tokens)
    room = budgets.evidence + budgets.instructions + budgets.look_ups
    asked = _cut_tokens(question, room // 2)
    values = {
        "question_text": asked,
        "place": place,
        "thread": _fitted_thread(thread, room - count_tokens(asked)),
        "pr_context": _fitted(_shortened(pr_context), budgets.pr_context),
    }
    prompt = _of_macros("ask.md.j2", files=files, **values)
    if prompt.tokens > context_tokens:
        files = [file.without_context() for file in files]
        prompt = _of_macros("ask.md.j2", files=files, **values)
    while prompt.tokens > context_tokens and files:
        files = files[:-1]
        prompt = _of_macros("ask.md.j2", files=files, **values)
    return prompt


def preference_prompt(
    path: str, finding: str, thread: Sequence[str], context_tokens: int
) -> Prompt:
    """The question what is to be remembered of the last comment of the `thread`, which answers the
    `finding` on the file at `path`."""
    room = prompt_budget(context_tokens).change
    return _of_macros(
        "preference.md.j2",
        schema=_compact(PREFERENCE_SCHEMA.body),
        path=path,
        finding=_cut_tokens(_cut(finding), room // 2),
        thread=[_cut_tokens(_cut(each, _COMMENT_CHARS), room // 8) for each in thread[-4:]],
    )


def _fitted_thread(thread: Sequence[str], budget: int) -> list[str]:
    """The comment that began it, and of the others the newest that fit, oldest first."""
    shown = thread if len(thread) <= _COMMENTS else (thread[0], *thread[1 - _COMMENTS :])
    kept: dict[int, str] = {}
    for index in (*range(min(1, len(shown))), *reversed(range(1, len(shown)))):
        room = budget // 2 if index == 0 and shown[1:] else budget
        text = _cut_tokens(_cut(shown[index], _COMMENT_CHARS), room - _MARKS)
        if not text:
            break
        budget -= count_tokens(text) + text.count("\n") + _MARKS
        kept[index] = text
    return [kept[index] for index in sorted(kept)]


def judge_prompt(issues: Sequence[tuple[int, str]], comments: Sequence[tuple[int, str]]) -> Prompt:
    """The question which of the numbered `comments` name which of the numbered `issues`."""
    return _of_macros(
        "judge.md.j2", schema=_compact(MATCHES_SCHEMA.body), issues=issues, comments=comments
    )


def repair_prompt(problem: str) -> str:
    """What is said to a model whose answer does not fit."""
    return _ENVIRONMENT.get_template("repair.md.j2").render(problem=problem)


def _of_macros(name: str, **values: object) -> Prompt:
    module = _ENVIRONMENT.get_template(name).make_module(values)
    return Prompt(str(module.rules()).strip(), str(module.question()).strip())  # type: ignore[attr-defined]


def _shortened(pr_context: PullRequestContext) -> PullRequestContext:
    return PullRequestContext(
        title=_cut(pr_context.title),
        body=_cut(pr_context.body),
        commits=tuple(_cut(message, 1000) for message in pr_context.commits[-_COMMITS:]),
        issue=_cut(pr_context.issue),
    )


def _cut(text: str, limit: int = _BRIEF_CHARS) -> str:
    text = clean(text)  # first: of a secret cut in two, nothing would tell that it is one
    return text if len(text) <= limit else text[:limit] + "\n(cut)"
