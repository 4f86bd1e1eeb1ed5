"""Data only: catalogue, causes, guides, scenarios, report template and schema, stylesheets."""
