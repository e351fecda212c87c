"""The site's settings, for Sphinx; ``make docs`` builds it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for docs.tools

project = "gradtape"
author = "The gradtape authors"
project_copyright = author
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.linkcode",
    "sphinx_copybutton",
    "sphinx_design",
    "docs.tools.extension",
]
exclude_patterns = ["tools"]
nitpicky = True

# The pages: Markdown, as on a code host; anchors are made as there.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_dmath_allow_digits = False  # 5$ and $5 are money
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a page may begin with any level

# The notebooks are stored with what they show, which tests/test_examples.py compares.
nb_execution_mode = "off"

# The reference: the docstrings say in words what is what.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    "inherited-members": "object, Mapping, Enum, ABC, Exception",
}
autosummary_generate = False
add_module_names = False
python_use_unqualified_type_names = True
default_role = "code"
html_math_renderer = "mathml"

html_theme = "pydata_sphinx_theme"
html_title = "gradtape"
html_static_path = ["static"]
html_favicon = "static/favicon.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {
    "index": [],
    "tutorial*": [],
    "design": [],
    "source/**": [],
}

# Copying leaves prompts and answers out.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """Where the source of what the reference describes is shown."""
    from docs.tools.sources import place

    return place(info["module"], info["fullname"]) if domain == "py" else None
