"""State in; json, html, markdown, csv, the firewall request and the diff of two sessions out."""
