"""The book's Sphinx extension: it gives the website what plain Markdown lacks.

Notebooks hold Markdown that JupyterLab and Colab also read. On the site `\\tag{1.15}` becomes an equation number with
an anchor, `(1.15)` and `Figure 1.6` become links, quoted notes and theorems become boxes, and a `**Figure 1.6.**`
paragraph becomes the caption of the figure above it.
"""

from sphinx.project import Project

from . import anchors, boxes, cache, cells, figures


def configure(app, config):
    """What is computed, not written: the book's anchors, the place of the cache, the buttons that need an address."""
    config.nb_execution_cache_path = str(cache.path())
    documents = Project(app.srcdir, config.source_suffix)
    documents.discover(config.exclude_patterns)
    config.nndl_anchors = anchors.scan(documents)
    options = config.html_theme_options
    options["use_repository_button"] = bool(options.get("repository_url"))
    if not options.get("repository_url"):
        options["launch_buttons"] = {}


def setup(app):
    app.add_config_value("nndl_anchors", {}, "env")
    app.connect("config-inited", configure, priority=950)  # after the table of contents has set the exclude patterns
    app.add_transform(anchors.NumberEquations)
    app.add_transform(boxes.QuotesToBoxes)
    app.add_transform(figures.Captions)
    app.add_transform(cells.HideColabLines)
    app.connect("doctree-resolved", anchors.link_mentions)
    app.connect("html-page-context", anchors.link_comments)
    app.add_css_file("book.css")
    app.add_js_file("filter.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
