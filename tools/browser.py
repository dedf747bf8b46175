"""Open every page of the built site in headless Chromium, wide and narrow, light and dark, and report what is wrong.

Usage: python tools/browser.py [SITE] [--shots FOLDER] [--only WORD]. With a folder, each view is kept as a screenshot.
"""

import argparse
import functools
import os
import shutil
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import TimeoutError, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
WIDTHS, MODES = (1280, 390), ("light", "dark")
READY = "() => !window.MathJax || (window.MathJax.startup && window.MathJax.startup.promise.then(() => true))"
BROKEN_FORMULAS = """() => [
  ...[...document.querySelectorAll('[data-mjx-error]')].map(node => node.getAttribute('data-mjx-error')),
  ...[...document.querySelectorAll('.math')].filter(node => !node.querySelector('mjx-container'))
     .map(node => 'not rendered: ' + node.textContent.slice(0, 60))]"""
THEME = "mode => document.documentElement.dataset.theme === mode"
OVERFLOW = "() => document.documentElement.scrollWidth - window.innerWidth"
WIDEST = """() => {
  const clipped = node => { for (; node && node !== document.body; node = node.parentElement)
    if (getComputedStyle(node).overflowX !== 'visible') return true; return false; };
  return [...document.querySelectorAll('main *')].filter(node =>
    node.getBoundingClientRect().right > window.innerWidth + 1 && !clipped(node.parentElement))
    .slice(0, 3).map(node => node.tagName.toLowerCase() + '.' + node.className); }"""
BROKEN_IMAGES = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(site):
    """Serve a folder on a free port of this machine; return its address."""
    handler = functools.partial(QuietHandler, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def load(page, base, path):
    """Open a page; return the list of its faults, to which later ones are added as the browser reports them."""
    faults = []
    page.on("console", lambda m: faults.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("requestfailed", lambda request: faults.append(f"request failed: {request.url}"))
    page.on("request", lambda r: None if r.url.startswith((base, "data:")) else faults.append(f"other host: {r.url}"))
    page.goto(base + path, wait_until="load")
    page.wait_for_function(READY)
    return faults


def inspect(page, mode):
    """The faults of an open page in light or dark mode."""
    page.emulate_media(color_scheme=mode)
    try:
        page.wait_for_function(THEME, arg=mode, timeout=5_000)
    except TimeoutError:
        yield f"theme is not {mode}"
    yield from (f"formula: {text}" for text in page.evaluate(BROKEN_FORMULAS))
    yield from (f"image: {source}" for source in page.evaluate(BROKEN_IMAGES))
    over = page.evaluate(OVERFLOW)
    if over > 0:
        yield f"{over} px wider than the window: {page.evaluate(WIDEST)}"


def views(site, only):
    pages = [p.relative_to(site).as_posix() for p in sorted(site.rglob("*.html")) if "_static" not in p.parts]
    return [(p, width) for p in pages if only in p for width in WIDTHS]


def search_works(browser, base):
    """Whether the search page finds the word that the book is about."""
    page = browser.new_page()
    page.goto(base + "search.html?q=momentum")
    page.wait_for_selector("#search-results li", timeout=10_000)
    page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", nargs="?", type=Path, default=Path("_build/html"))
    parser.add_argument("--shots", type=Path, help="a folder for screenshots of all views; it is emptied first")
    parser.add_argument("--only", default="", help="a part of the page's path")
    args = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        sys.exit("browser: no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM")
    if args.shots:
        shutil.rmtree(args.shots, ignore_errors=True)
        args.shots.mkdir(parents=True)
    base, failed, todo = serve(args.site), 0, views(args.site, args.only)
    with sync_playwright() as play, tempfile.TemporaryDirectory() as profile:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS, env={**os.environ, "HOME": profile})
        for path, width in todo:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=MODES[0])
            faults = load(page, base, path)
            for mode in MODES:
                found = faults + list(inspect(page, mode))
                faults.clear()
                if args.shots:
                    name = path.removesuffix(".html").replace("/", "-")
                    page.screenshot(path=args.shots / f"{name}-{width}-{mode}.png", full_page=True)
                failed += bool(found)
                print(f"{'FAIL' if found else 'ok  '} {width:>4} {mode:<5} {path}", *found, sep="\n       ")
            page.close()
        if not args.only:
            search_works(browser, base)
            print("ok   search finds a page")
        browser.close()
    print(f"\nscreenshots: {args.shots or 'none'}\nviews: {len(MODES) * len(todo) - failed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
