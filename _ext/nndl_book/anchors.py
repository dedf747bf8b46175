"""Numbers: equations `\\tag{1.15}`, figures and tables `**Figure 1.6.**`, and the links to them from text and code."""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform

from .tree import inside

NUMBER = r"(?:1|[FDOIPNHRE])\.\d+[a-z]?"
KINDS = {"Figure": "figure", "Table": "table", "图": "figure", "表": "table"}
WORD = "|".join(KINDS)
TAG = re.compile(rf"\\tag\{{({NUMBER})\}}")
CAPTION = re.compile(rf"^\*\*({WORD})\s?({NUMBER})[.。]", re.MULTILINE)
MENTION = re.compile(rf"\(({NUMBER})\)|({WORD})s?\s?({NUMBER})")
COMMENT = re.compile(r'(<span class="c1">)(#[^<]*)(</span>)')
UNLINKED = (nodes.reference, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.title, nodes.raw)


def anchor(kind, number):
    """The id of an equation, figure or table: `equation-1-15`."""
    return f"{kind}-{number.replace('.', '-')}"


def markdown(file):
    """The Markdown of a page, from a notebook or a Markdown file."""
    text = Path(file).read_text(encoding="utf8")
    if Path(file).suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def scan(project):
    """The map {anchor: page} of all numbered things in a Sphinx project."""
    found = {}
    for page in sorted(project.docnames):
        text = markdown(project.doc2path(page, absolute=True))
        found |= {anchor("equation", number): page for number in TAG.findall(text)}
        found |= {anchor(KINDS[word], number): page for word, number in CAPTION.findall(text)}
    return found


class NumberEquations(SphinxTransform):
    """Lift the tag out of a displayed formula: MathJax refuses it inside the wrapper that Sphinx adds."""

    default_priority = 400

    def apply(self):
        for block in self.document.findall(nodes.math_block):
            tag = TAG.search(block.astext())
            if tag:
                text = TAG.sub("", block.astext()).strip()
                block[:] = [nodes.Text(text)]
                block["number"] = tag[1]
                block["ids"].append(anchor("equation", tag[1]))


def target(match):
    """The anchor that a mention `(1.15)` or `Figure 1.6` means."""
    equation, word, number = match.groups()
    return anchor("equation", equation) if equation else anchor(KINDS[word], number)


def address(app, page, name):
    """The link from a page to an anchor of the book, or None where nothing has that number."""
    home = app.config.nndl_anchors.get(name)
    if home is None:
        return None
    return ("" if home == page else app.builder.get_relative_uri(page, home)) + "#" + name


def link_mentions(app, doctree, page):
    """Turn mentions in prose into links."""
    for text in list(doctree.findall(nodes.Text)):
        own = "caption-label" in text.parent.get("classes", [])
        if MENTION.search(text) and not own and not inside(text, UNLINKED):
            text.parent.replace(text, list(_linked(app, page, text)))


def _linked(app, page, text):
    end = 0
    for match in MENTION.finditer(text):
        uri = address(app, page, target(match))
        if uri:
            yield nodes.Text(text[end : match.start()])
            yield nodes.reference("", match[0], internal=True, refuri=uri, classes=["numbered"])
            end = match.end()
    yield nodes.Text(text[end:])


def link_comments(app, page, template, context, doctree):
    """Turn the equation numbers of code comments `# (1.15)` into links, after highlighting."""

    def link(match):
        uri = address(app, page, target(match))
        return f'<a class="numbered" href="{uri}">{match[0]}</a>' if uri else match[0]

    def comment(match):
        return match[1] + MENTION.sub(link, match[2]) + match[3]

    if "body" in context:
        context["body"] = COMMENT.sub(comment, context["body"])
