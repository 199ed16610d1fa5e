"""A report as text, JSON, Markdown or one HTML page. What a wiki said in it is hostile: escaped, never markup.

The HTML page is self-contained: no script, nothing loaded from anywhere.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape

import orjson

from rules.reproduce import repair_command
from rules.verdict import Outcome, Verdict
from verifier.proof_forms import Section, sections
from verifier.report import Report, Stratum, as_json
from verifier.report_sections import cases_section, noise_section, pace_section

_OUTCOMES = tuple(outcome.value for outcome in Outcome)
_SHORT = {
    "match_under_rule": "under rule",
    "not_comparable_yet": "not yet",
    "not_compared": "not compared",
}
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]()#+!|~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .6rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}th{background:#f4f4f4;font-weight:600}
td.words{text-align:left;overflow-wrap:anywhere}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f7f7f7;
padding:.6rem;margin:.3rem 0;font-size:13px}.bad{color:#a40000;font-weight:600}.note{background:#fff6d6;padding:.6rem}
.bound{font-size:1.1rem}
"""


def render_text(report: Report) -> str:
    """Return the report for a terminal."""
    out = [f"Parity report, {_time(report.made_at)}", f"Epoch {report.epoch.number}, {_epoch_words(report)}", ""]
    out += [f"By traffic: {report.overall.bound.text()}.", f"By entity:  {report.entities.text()}."]
    out += [f"! {note}" for note in report.notes]
    out += ["", *_columns([_heading("", report), *(_row(stratum) for stratum in _all(report))])]
    for section in _sections(report):
        out += ["", section.title, *(f"  {plain(line)}" for line in section.lines)]
        rows = [section.heading, *section.rows] if section.rows else []
        out += [f"  {line}" for line in _columns([[plain(cell) for cell in row] for row in rows])]
    for title, counts in _tables(report):
        if counts:
            out += ["", f"{title}:", *(f"  {seen:>9}  {plain(reason)}" for reason, seen in counts.items())]
    out += ["", f"Findings: {report.findings_total}"]
    for finding in report.findings:
        where = f"{finding.entity_id} revision {finding.revision}"
        out.append(f"  {finding.kind}: {where}, seen {finding.seen} times: {plain(finding.detail)}")
        out.append(f"    to mend it: {repair_command(finding.entity_id)}")
    for title, verdicts in _verdict_lists(report):
        out += ["", f"{title}: {len(verdicts) or 'none'}"]
        for verdict in verdicts:
            out += [f"  {_verdict_line(verdict)}", f"    {plain(verdict.target)}"]
            out += [f"    {plain(line)}" for line in verdict.detail.splitlines()]
    return "\n".join(out) + "\n"


def render_json(report: Report) -> str:
    """Return the report as one JSON object."""
    return orjson.dumps(as_json(report), option=orjson.OPT_INDENT_2).decode() + "\n"


def render_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    out = [
        f"# Parity report, {_time(report.made_at)}",
        "",
        f"Epoch {report.epoch.number}, {_mark(_epoch_words(report))}",
    ]
    out += ["", f"* **By traffic**: {report.overall.bound.text()}.", f"* **By entity**: {report.entities.text()}."]
    out += [f"* **{_mark(note)}**" for note in report.notes]
    heading = _heading("part", report)
    out += ["", _pipes(heading), _pipes(["---", *("---:" for _ in heading[1:])])]
    out += [_pipes([_mark(cell) for cell in _row(stratum)]) for stratum in _all(report)]
    for section in _sections(report):
        out += ["", f"## {_mark(section.title)}", "", *(f"* {_mark(line)}" for line in section.lines)]
        if section.rows:
            out += ["", _pipes(section.heading), _pipes(["---", *("---:" for _ in section.heading[1:])])]
            out += [_pipes([_mark(cell) for cell in row]) for row in section.rows]
    for title, counts in _tables(report):
        if counts:
            out += ["", f"## {title}", "", "| reason | how many |", "| --- | ---: |"]
            out += [_pipes([_mark(reason), str(seen)]) for reason, seen in counts.items()]
    out += ["", f"## Findings: {report.findings_total}", ""]
    for finding in report.findings:
        where = f"{finding.entity_id} revision {finding.revision}"
        out.append(f"* **{_mark(finding.kind)}** {where}, seen {finding.seen} times: {_mark(finding.detail)}")
        out.append(f"  To mend it: {_mark(repair_command(finding.entity_id))}")
    for title, verdicts in _verdict_lists(report):
        out += ["", f"## {title}: {len(verdicts) or 'none'}"]
        for verdict in verdicts:
            out += ["", f"### {_mark(_verdict_line(verdict))}", "", _mark(verdict.target), ""]
            # Indented code: the one kind of Markdown block that no line of text can end.
            out += [f"    {plain(line)}" for line in verdict.detail.splitlines()]
    return "\n".join(out) + "\n"


def render_html(report: Report) -> str:
    """Return the report as one HTML page."""
    title = f"Parity report, {_time(report.made_at)}"
    out = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>",
        f"<p>Epoch {report.epoch.number}, {_html(_epoch_words(report))}</p>",
        f'<p class="bound">By traffic: {_html(report.overall.bound.text())}.<br>',
        f"By entity: {_html(report.entities.text())}.</p>",
        *(f'<p class="note">{_html(note)}</p>' for note in report.notes),
        "<table><thead><tr>",
        *(f"<th>{_html(cell)}</th>" for cell in _heading("part", report)),
        "</tr></thead><tbody>",
        *(_html_row(_row(stratum)) for stratum in _all(report)),
        "</tbody></table>",
    ]
    for section in _sections(report):
        out.append(f"<h2>{_html(section.title)}</h2>")
        out += [f"<p>{_html(line)}</p>" for line in section.lines]
        if section.rows:
            heading = "".join(f"<th>{_html(cell)}</th>" for cell in section.heading)
            out.append(f"<table><thead><tr>{heading}</tr></thead><tbody>")
            out += [_html_row(row) for row in section.rows]
            out.append("</tbody></table>")
    for name, counts in _tables(report):
        if counts:
            out.append(f"<h2>{_html(name)}</h2><table><tbody>")
            out += [_html_row([reason, str(seen)]) for reason, seen in counts.items()]
            out.append("</tbody></table>")
    out.append(f"<h2>Findings: {report.findings_total}</h2>")
    if report.findings:
        out.append(
            "<table><thead><tr><th>kind</th><th>entity</th><th>revision</th><th>seen</th>"
            "<th>to mend it</th><th>detail</th></tr>"
        )
        out.append("</thead><tbody>")
        for one in report.findings:
            cells = [one.kind, one.entity_id, str(one.revision), str(one.seen), repair_command(one.entity_id)]
            row = "".join(f"<td>{_html(cell)}</td>" for cell in cells)
            out.append(f'<tr>{row}<td class="words">{_html(one.detail)}</td></tr>')
        out.append("</tbody></table>")
    for name, verdicts in _verdict_lists(report):
        out.append(f"<h2>{_html(name)}: {len(verdicts) or 'none'}</h2>")
        for verdict in verdicts:
            out.append(f'<h3 class="bad">{_html(_verdict_line(verdict))}</h3><p>{_html(verdict.target)}</p>')
            out.append(f"<pre>{_html(verdict.detail)}</pre>")
    return "\n".join([*out, "</body></html>\n"])


def _sections(report: Report) -> list[Section]:
    beside = [
        noise_section([(one.surface, one.bound, one.unread) for one in report.noise]),
        cases_section(report.cases),
        pace_section(report.pace),
    ]
    return [*sections(report.proof), *(one for one in beside if one.lines or one.rows)]


RENDERERS: Mapping[str, Callable[[Report], str]] = {
    "text": render_text,
    "json": render_json,
    "markdown": render_markdown,
    "html": render_html,
}


def plain(text: str) -> str:
    """Return text with control and direction characters written out: a terminal must not obey a wiki's content."""
    return "".join(f"\\u{ord(char):04x}" if _commands(char) else char for char in text)


def _commands(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _html(text: str) -> str:
    return "\n".join(escape(plain(line)) for line in text.split("\n"))


def _mark(text: str) -> str:
    return plain(" ".join(text.split())).translate(_MARKDOWN)


def _html_row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td>{_html(cell)}</td>" for cell in cells) + "</tr>"


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _all(report: Report) -> Sequence[Stratum]:
    return (report.overall, *report.strata)


def _heading(first: str, report: Report) -> list[str]:
    return [first, *(_SHORT.get(name, name) for name in _OUTCOMES), f"at most ({report.confidence:.0%})"]


def _row(stratum: Stratum) -> list[str]:
    name = stratum.name if stratum.by == stratum.name else f"{stratum.by} {stratum.name}"
    at_most = f"{stratum.bound.upper:.3%}" if stratum.bound.comparisons else "unknown"
    return [plain(name), *(str(stratum.outcomes.get(outcome, 0)) for outcome in _OUTCOMES), at_most]


def _tables(report: Report) -> Sequence[tuple[str, Mapping[str, int]]]:
    return (
        ("Equal under a rule", report.rules),
        ("Not proven: should have been compared", report.unproven),
        ("Shed before judging", report.shed),
        ("Nothing to compare", report.not_compared),
    )


def _verdict_lists(report: Report) -> Sequence[tuple[str, Sequence[Verdict]]]:
    return (("Latest mismatches", report.mismatches), ("Latest errors", report.errors))


def _verdict_line(verdict: Verdict) -> str:
    what = f"{verdict.entity_id or 'whole answer'} revision {verdict.revision}"
    return plain(f"{what} by {verdict.surface} in {verdict.phase}, {_time(verdict.judged_at)}: {verdict.reason}")


def _epoch_words(report: Report) -> str:
    since = f"since {_time(report.epoch.opened_at)}: {plain(report.epoch.why)}"
    if report.first_at is None or report.last_at is None:
        return since
    return f"{since}; verdicts from {_time(report.first_at)} to {_time(report.last_at)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
