"""Forms of every page: what was typed is filled in again, and a page with a form has an address."""
