"""The demo: sample people and pages, and the command that runs everything on one machine. The product never imports it."""
