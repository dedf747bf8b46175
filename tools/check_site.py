"""Check the built website without a browser: it loads nothing from elsewhere, its links, images and markup are whole.

Usage: python tools/check_site.py [SITE]. Prints one line per fault; the exit status says whether there was one.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LEFTOVERS = re.compile(r"\*\*|\$\$|\\tag\{|\[!(?:NOTE|WARNING|TIP)\]|(?<!\w)\$[^$\s][^$]*\$|:::|```")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
QUIET = {"script", "style", "pre", "code"}


class Page(HTMLParser):
    """What a page loads, where it links, which anchors it has, its images and its text outside code and formulas."""

    def __init__(self, html):
        super().__init__()
        self.loads, self.links, self.ids, self.images, self.text = [], [], {""}, [], []
        self.quiet, self.depth = None, 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids.add(a.get("id") or a.get("name") or "")
        if tag == "link" and a.get("rel") in {"stylesheet", "preload", "icon", "shortcut icon", "search"}:
            self.loads.append(a.get("href", ""))
        if tag in LOADED:
            self.loads.append(a.get(LOADED[tag]) or "")
        if tag == "img":
            self.images.append((a.get("src") or "", a.get("alt")))
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        if self.quiet is None and (tag in QUIET or "math" in (a.get("class") or "").split()):
            self.quiet, self.depth = tag, 0
        if tag == self.quiet:
            self.depth += 1

    def handle_endtag(self, tag):
        if tag == self.quiet:
            self.depth -= 1
            self.quiet = self.quiet if self.depth else None

    def handle_data(self, data):
        if self.quiet is None:
            self.text.append(data)


def faults(site):
    """All faults of a built site, as (page, what)."""
    files = [p for p in sorted(site.rglob("*.html")) if "_static" not in p.parts]
    if not files:
        yield site.name, "no pages"
    pages = {p.resolve(): Page(p.read_text(encoding="utf8")) for p in files}
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        yield from ((name, f"loads from another host: {u}") for u in page.loads if urlsplit(u).netloc)
        yield from ((name, f"markup left over: {m!r}") for m in LEFTOVERS.findall(" ".join(page.text)))
        yield from ((name, f"image without alt text: {s}") for s, alt in page.images if not described(s, alt))
        yield from ((name, f"link leads nowhere: {u}") for u in page.links if not resolves(u, path, pages))


def described(source, alt):
    """Whether an image has words for those who do not see it; marks of the theme (`_static`) may have none."""
    return "_static/" in source or bool(alt and "_images/" not in alt)


def resolves(url, path, pages):
    """Whether a link of a page leads to a file of the site and to an anchor in it; other hosts are not asked."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if target not in pages:
        return target.exists()
    return unquote(parts.fragment) in pages[target].ids


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1] if len(sys.argv) > 1 else "_build/html")))
    for page, what in found:
        print(f"{page}: {what}")
    print(f"site: {len(found)} faults")
    sys.exit(bool(found))
