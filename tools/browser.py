"""Open every page of the built site in headless Chromium, wide and narrow, light and dark, and report what is wrong.

Usage: python tools/browser.py [SITE] [--shots FOLDER] [--only WORD]. Screenshots are written to _build/screenshots.
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

from playwright.sync_api import sync_playwright

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


def inspect(page, base, path, width, mode):
    """The list of faults of one page view."""
    faults = []
    page.on("console", lambda m: faults.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("requestfailed", lambda request: faults.append(f"request failed: {request.url}"))
    page.on("request", lambda r: None if r.url.startswith((base, "data:")) else faults.append(f"other host: {r.url}"))
    page.goto(base + path, wait_until="load")
    page.wait_for_function(READY)
    faults += [f"formula: {text}" for text in page.evaluate(BROKEN_FORMULAS)]
    faults += [f"image: {source}" for source in page.evaluate(BROKEN_IMAGES)]
    if page.evaluate("() => document.documentElement.dataset.theme") != mode:
        faults.append(f"theme is not {mode}")
    over = page.evaluate(OVERFLOW)
    if over > 0:
        faults.append(f"{over} px wider than the window: {page.evaluate(WIDEST)}")
    return [fault for fault in faults if fault]


def views(site, only):
    pages = [p.relative_to(site).as_posix() for p in sorted(site.rglob("*.html")) if "_static" not in p.parts]
    return [(p, width, mode) for p in pages if only in p for width in WIDTHS for mode in MODES]


def search_works(browser, base):
    """Whether the search page finds the word that the book is about."""
    page = browser.new_page()
    page.goto(base + "search.html?q=momentum")
    page.wait_for_selector("#search-results li", timeout=10_000)
    page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", nargs="?", type=Path, default=Path("_build/html"))
    parser.add_argument("--shots", type=Path, default=Path("_build/screenshots"))
    parser.add_argument("--only", default="", help="a part of the page's path")
    args = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        sys.exit("browser: no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM")
    shutil.rmtree(args.shots, ignore_errors=True)
    args.shots.mkdir(parents=True)
    base, failed, todo = serve(args.site), 0, views(args.site, args.only)
    with sync_playwright() as play, tempfile.TemporaryDirectory() as profile:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS, env={**os.environ, "HOME": profile})
        for path, width, mode in todo:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=mode)
            page = context.new_page()
            faults = inspect(page, base, path, width, mode)
            name = path.removesuffix(".html").replace("/", "-")
            page.screenshot(path=args.shots / f"{name}-{width}-{mode}.png", full_page=True)
            context.close()
            failed += bool(faults)
            print(f"{'FAIL' if faults else 'ok  '} {width:>4} {mode:<5} {path}", *faults, sep="\n       ")
        if not args.only:
            search_works(browser, base)
            print("ok   search finds a page")
        browser.close()
    print(f"\nscreenshots: {args.shots}\npages: {len(todo) - failed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
