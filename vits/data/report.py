"""The page a person looks at before training: how much, how good, what was left out and why.

One self-contained HTML file beside the clips; it plays them and asks the network for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from vits.data.coverage import Symbols
from vits.data.records import Clip, Dataset, minutes
from vits.errors import MissingDependency

STYLE = """
:root{color-scheme:light dark;--line:#8886}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
.plots{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0}svg{background:#8881;border-radius:4px}
audio{height:2rem;width:16rem}.n{text-align:right;font-variant-numeric:tabular-nums}
"""


def write_report(dataset: Dataset, symbols: Symbols | None = None) -> Path:
    """Write ``report.html``. ``symbols`` turns a clip into phonemes, to tell which there are."""
    parts = [_summary(dataset), _plots(dataset.clips), _rejected(dataset)]
    if symbols:
        parts.append(_coverage(dataset, symbols))
    parts.append(_clips(dataset))
    title = f"Data of {escape(dataset.speaker)}"
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; media-src 'self'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>" + "\n".join(parts)
    )
    path = dataset.folder / "report.html"
    path.write_text(page, "utf-8")
    return path


def _summary(dataset: Dataset) -> str:
    languages = Counter(clip.language for clip in dataset.clips)
    rows = {
        "to learn from": f"{minutes(dataset.of('train')):.1f} minutes, "
        f"{len(dataset.of('train'))} clips",
        "held out for judging": f"{minutes(dataset.of('held-out')):.1f} minutes, "
        f"{len(dataset.of('held-out'))} clips",
        "languages": ", ".join(f"{escape(k)} ({n})" for k, n in languages.most_common()),
        "transcribed by machine": str(sum(clip.transcribed for clip in dataset.clips)),
        "left out": f"{len(dataset.rejected)} stretches, "
        f"{sum(each.seconds for each in dataset.rejected) / 60:.1f} minutes",
    }
    body = "".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in rows.items())
    return f"<table>{body}</table>"


def _plots(clips: Sequence[Clip]) -> str:
    figures = [clip.figures for clip in clips]
    plots = [
        _histogram("length, s", [f.seconds for f in figures]),
        _histogram("loudness before levelling, LUFS", [f.loudness_lufs for f in figures]),
        _histogram("signal to noise, dB", [f.snr_db for f in figures]),
        _histogram("quality (DNSMOS)", [f.quality for f in figures]),
        _histogram("median pitch, Hz", [f.pitch_hz for f in figures if f.pitch_hz]),
    ]
    return f"<h2>Figures</h2><div class='plots'>{''.join(plots)}</div>"


def _histogram(title: str, values: Sequence[float], bins: int = 20) -> str:
    """An inline SVG of the distribution of ``values``."""
    if not values:
        return ""
    low, high = min(values), max(values)
    step = (high - low) / bins or 1.0
    counts = Counter(min(bins - 1, int((value - low) / step)) for value in values)
    top = max(counts.values())
    bars = "".join(
        f"<rect x='{10 * i + 1}' width='8' y='{80 - 76 * n / top:.1f}' height='{76 * n / top:.1f}' "
        "fill='#5865f2'/>"
        for i, n in sorted(counts.items())
    )
    label = f"{low:.4g} to {high:.4g}, median {sorted(values)[len(values) // 2]:.4g}"
    return (
        f"<figure><svg width='200' height='82' role='img' aria-label='{title}: {label}'>"
        f"{bars}</svg>"
        f"<figcaption>{title}<br><small>{label}</small></figcaption></figure>"
    )


def _rejected(dataset: Dataset) -> str:
    if not dataset.rejected:
        return ""
    rows = "".join(
        f"<tr><td>{escape(each.source)}</td><td class='n'>{each.start_s:.1f}</td>"
        f"<td class='n'>{each.seconds:.1f}</td><td>{escape(each.why)}</td></tr>"
        for each in dataset.rejected
    )
    head = "<tr><th>recording</th><th>from, s</th><th>length, s</th><th>why</th></tr>"
    return f"<h2>Left out</h2><table>{head}{rows}</table>"


def _coverage(dataset: Dataset, symbols: Symbols) -> str:
    """Nothing where no clip has any: none is in a language that the voice reads."""
    try:
        counts = Counter(s for clip in dataset.of("train") for s in symbols(clip) if s.strip())
    except MissingDependency:
        return ""  # the rest of the report needs it not
    if not counts:
        return ""
    cells = ", ".join(f"{escape(s)} {n}" for s, n in counts.most_common())
    return f"<h2>Phonemes to learn from</h2><p>{len(counts)} different: {cells}</p>"


def _clips(dataset: Dataset) -> str:
    rows = "".join(
        f"<tr><td><audio controls preload='none' src='clips/{clip.id}.flac'></audio></td>"
        f"<td lang='{escape(clip.language)}'>{escape(clip.text)}</td><td>{clip.split}</td>"
        f"<td class='n'>{clip.figures.seconds:.1f}</td><td class='n'>{clip.figures.snr_db:.0f}</td>"
        f"<td class='n'>{clip.figures.quality:.2f}</td><td>{escape(clip.source)}</td></tr>"
        for clip in dataset.clips
    )
    head = (
        "<tr><th>sound</th><th>text</th><th>use</th><th>s</th><th>SNR, dB</th><th>quality</th>"
        "<th>recording</th></tr>"
    )
    return f"<h2>Clips</h2><table>{head}{rows}</table>"
