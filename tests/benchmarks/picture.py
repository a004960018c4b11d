"""The picture of docs/performance.md: a bar for each server in each case, as SVG."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR = 860, 190, 18
OURS, OTHERS = "#2a7f62", "#9aa5b1"


def bars(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Groups of bars, each as long as its value is; shorter is better."""
    height = 50 + sum(34 + len(servers) * (BAR + 6) for servers in groups.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="28" font-size="17" font-weight="bold">{escape(title)}</text>',
    ]
    top = 62
    for name, servers in groups.items():
        parts.append(f'<text x="16" y="{top}" font-size="14" font-weight="bold">{escape(name)}</text>')
        longest = max(servers.values())
        for number, (server, value) in enumerate(servers.items()):
            parts.extend(_bar(server, value, value / longest, top + 10 + number * (BAR + 6)))
        top += 34 + len(servers) * (BAR + 6)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(server: str, value: float, share: float, y: int) -> list[str]:
    width = max(1.0, share * (WIDTH - LABEL - 90))
    color = OURS if server == "ours" else OTHERS
    return [
        f'<text x="{LABEL - 8}" y="{y + 14}" font-size="13" text-anchor="end">{escape(server)}</text>',
        f'<rect x="{LABEL}" y="{y}" width="{width:.0f}" height="{BAR}" fill="{color}"/>',
        f'<text x="{LABEL + width + 6:.0f}" y="{y + 14}" font-size="13">{value:,.0f} µs</text>',
    ]
